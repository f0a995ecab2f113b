package network

import (
	"strings"
	"testing"
)

const ownProgram = `C:\Program Files\Farmhound\farmhound-agent.exe`

func expandFiles(path string) string {
	return strings.Replace(path, "%ProgramFiles%", `C:\Program Files`, 1)
}

func TestFirewallRules(t *testing.T) {
	t.Parallel()
	const (
		head   = "v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=17|"
		app    = `App=%ProgramFiles%\Farmhound\farmhound-agent.exe|`
		others = `App=%SystemRoot%\system32\svchost.exe|Svc=dnscache|`
		ports  = "LPort=1900|LPort=5353|LPort=5355|"
	)
	for name, test := range map[string]struct {
		rules []string
		all   bool
	}{
		"its own":              {[]string{head + ports + app + "Name=Farmhound|RA4=LocalSubnet|"}, true},
		"in other letters":     {[]string{head + ports + `App=c:\program files\farmhound\FARMHOUND-AGENT.EXE|`}, true},
		"for every port":       {[]string{head + app}, true},
		"for every protocol":   {[]string{"v2.31|Action=Allow|Active=TRUE|Dir=In|" + app}, true},
		"for every program":    {[]string{head + ports}, true},
		"a range":              {[]string{head + "LPort2_10=1000-2000|LPort2_10=5350-5360|" + app}, true},
		"one rule each":        {[]string{head + "LPort=1900|" + app, head + "LPort=5353|" + app, head + "LPort=5355|" + app}, true},
		"one port is missing":  {[]string{head + "LPort=1900|LPort=5353|" + app}, false},
		"one of another":       {[]string{head + "LPort=1900|LPort=5353|" + app, head + "LPort=5355|" + others}, false},
		"Windows' own":         {[]string{head + "LPort=5353|" + others, head + "LPort=5355|" + others, head + "LPort=1900|" + others}, false},
		"switched off":         {[]string{strings.Replace(head, "TRUE", "FALSE", 1) + ports + app}, false},
		"outbound":             {[]string{strings.Replace(head, "Dir=In", "Dir=Out", 1) + ports + app}, false},
		"it blocks":            {[]string{strings.Replace(head, "Allow", "Block", 1) + ports + app}, false},
		"of TCP":               {[]string{strings.Replace(head, "17", "6", 1) + ports + app}, false},
		"a port with a name":   {[]string{head + "LPort=Teredo|" + app}, false},
		"ports the other way":  {[]string{head + "RPort=5353|LPort=9|" + app}, false},
		"a range that is none": {[]string{head + "LPort2_10=6000-1000|" + app}, false},
		"no rule":              {[]string{"", "v2.31", "Action=Allow|Active=TRUE|Dir=In|"}, false},
		"nothing":              {nil, false},
	} {
		o := openings{program: ownProgram, expand: expandFiles}
		for _, rule := range test.rules {
			o.rule(rule)
		}
		if o.all() != test.all {
			t.Errorf("%s: %v", name, o.open)
		}
	}
}

func FuzzFirewallRule(f *testing.F) {
	f.Add("v2.31|Action=Allow|Active=TRUE|Dir=In|Protocol=17|LPort=5353|App=%ProgramFiles%\\Farmhound\\farmhound-agent.exe|")
	f.Add("v2.33|Action=Allow|Active=TRUE|Dir=In|LPort2_10=5000-5400|LPort=|Profile=Public|")
	f.Fuzz(func(t *testing.T, text string) {
		o := openings{program: ownProgram, expand: expandFiles}
		o.rule(text)
		if o.open != ([len(announced)]bool{}) && (!strings.Contains(text, "Dir=In") || !strings.Contains(text, "Active=TRUE")) {
			t.Errorf("%v opened by %q", o.open, text)
		}
	})
}
