package main

import (
	"encoding/json"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
)

// A laptop whose traffic takes a tunnel is seen under two addresses: the collector
// says so beside the tunnel, and knows which is which.
func TestALaptopBehindATunnelIsSeenUnderTwoAddresses(t *testing.T) {
	t.Parallel()
	path := farpath.New(t, 10*time.Millisecond)
	own := netip.MustParseAddr("192.0.2.7")
	path.Link(t, "lan0", own, netip.MustParseAddr("192.0.2.1"))

	r := newRig(t)
	r.address = net.JoinHostPort(path.FarAddr.String(), "8443")
	r.config = filepath.Join(r.dir, "far", "collector.yaml")
	r.said = r.must("farmhound-collector", "init", "--dir", filepath.Dir(r.config), "--name", path.FarAddr.String())
	r.write("secret", r.found(`enrolment secret +(\S+)`))
	r.write("token", r.found(`admin token +(\S+)`))

	r.begin(path.Far(t.Context(), filepath.Join(r.bin, "farmhound-collector"), "serve"))
	login := func() *exec.Cmd {
		return path.Far(t.Context(), filepath.Join(r.bin, "farmhound"), "login", r.address,
			"--ca", filepath.Join(filepath.Dir(r.config), "ca.pem"), "--token-file", filepath.Join(r.dir, "token"))
	}
	r.eventually("the collector answers", func() bool {
		_, err := r.output(login())
		return err == nil
	})
	r.begin(path.Near(t.Context(), filepath.Join(r.bin, "farmhound-agent"), "--enroll-secret-file", filepath.Join(r.dir, "secret"), "run"))

	type way struct {
		Address string `json:"address"`
		Kind    string `json:"kind"`
		Default bool   `json:"default_route"`
	}
	seen := map[string]way{}
	r.eventually("two ways out", func() bool {
		var devices []struct {
			ID string `json:"id"`
		}
		out, err := r.output(path.Far(t.Context(), filepath.Join(r.bin, "farmhound"), "devices", "-o", "json"))
		if err != nil || json.Unmarshal(out, &devices) != nil || len(devices) != 1 {
			return false
		}
		var shown struct {
			Device struct {
				Egress struct {
					Ways []way `json:"ways"`
				} `json:"egress"`
			} `json:"device"`
		}
		out, err = r.output(path.Far(t.Context(), filepath.Join(r.bin, "farmhound"), "device", "show", devices[0].ID, "-o", "json"))
		if err != nil || json.Unmarshal(out, &shown) != nil {
			return false
		}
		for _, w := range shown.Device.Egress.Ways {
			seen[w.Address] = w
		}
		return len(seen) >= 2
	})
	tunnel, direct := seen[path.NearAddr.String()], seen[own.String()]
	if tunnel.Kind != "tunnel" || !tunnel.Default || direct.Address == "" || direct.Default {
		t.Errorf("the tunnel is seen as %+v, the laptop's own interface as %+v", tunnel, direct)
	}
}

// output runs a command to its end with the rig's settings.
func (r *rig) output(cmd *exec.Cmd) ([]byte, error) {
	r.settle(cmd)
	return cmd.Output()
}

// begin starts a command that lasts until the test ends.
func (r *rig) begin(cmd *exec.Cmd) {
	r.t.Helper()
	r.settle(cmd)
	said := &lockedBuffer{}
	cmd.Stdout, cmd.Stderr = io.Discard, said
	if err := cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if r.t.Failed() {
			r.t.Logf("%v said:\n%s", cmd.Args, said)
		}
	})
}

func (r *rig) settle(cmd *exec.Cmd) {
	like := r.command(r.t.Context(), "farmhound")
	cmd.Dir, cmd.Env = like.Dir, like.Env
}
