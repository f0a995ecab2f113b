package fleet

import (
	"fmt"
	"testing"
	"time"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// A VPN that a whole company is led through, from homes of their own, says nothing of
// the one who uses it, though nobody named it.
func TestAnExitOfEverybody(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		laptops  int
		exit     string
		together bool // in one room
		openly   bool // without a tunnel
		tool     string
		want     string
	}{
		"six people at home, one way out": {laptops: 6, exit: berlin, want: "company true, foreign false, of 0 days"},
		"five are too few":                {laptops: 5, exit: berlin, want: "company false, foreign true, of 5 days"},
		"more than can be counted":        {laptops: crowd + 3, exit: berlin, want: "company true, foreign false, of 0 days"},
		"six laptops in one room":         {laptops: 6, exit: berlin, together: true, want: "company false, foreign true, of 5 days"},
		"six people openly abroad":        {laptops: 6, exit: berlin, openly: true, want: "company false, foreign true, of 5 days"},
		"a VPN that anybody can buy":      {laptops: 6, exit: exitOhio, tool: "mullvad", want: "company false, foreign false, of 5 days"},
		"a hosting provider's":            {laptops: 6, exit: exitOhio, want: "company true, foreign false, of 0 days"},
		"a country on the list":           {laptops: 6, exit: shenyang, want: "company false, foreign true, of 5 days"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			persons := people{}
			laptops := make([]*laptop, tt.laptops)
			for i := range laptops {
				laptops[i] = newLaptop(fmt.Sprint("d", i))
				persons[laptops[i].serial] = ohioan(fmt.Sprint("p", i))
			}
			f := newFleet(persons)
			var pictures []*fleetv1.Picture
			for _, l := range laptops {
				l.peer = tt.exit
				if tt.together {
					l.at("room")
				}
				if !tt.openly {
					tunnel(l, tt.tool)
				}
				pictures = append(pictures, lived(t, f, l.workdays(monday, 5)))
			}
			d := f.Device(pictures[0], time.Unix(pictures[0].GetLastReceivedUnix(), 0))
			e := d.GetEgress()
			if got := sentence("company %t, foreign %t, of %d days", e.GetCompany(), e.GetForeign(), d.GetPlace().GetKnownDays()); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}
