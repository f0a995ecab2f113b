package main

import (
	"context"
	"encoding/json"
	"net"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
)

// Two laptops on one wire come to know each other by what the collector tells them of each
// other's addresses and what their kernels know of their neighbours; and an analyst sees
// who is beside whom and on whose word.
func TestLaptopsBesideEachOtherAreASite(t *testing.T) {
	t.Parallel()
	farpath.Require(t, "ip")
	ip := func(args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), "ip", args...).CombinedOutput(); err != nil {
			t.Fatalf("ip %v: %v: %s", args, err, out)
		}
	}
	// The router has the collector on it.
	router := farpath.Namespace(t)
	ip("-n", router, "link", "set", "lo", "up")
	ip("-n", router, "link", "add", "lan", "type", "bridge")
	ip("-n", router, "addr", "add", "192.168.7.1/24", "dev", "lan")
	ip("-n", router, "link", "set", "lan", "up")
	laptops := map[string]string{}
	for i, name := range []string{"first", "second"} {
		laptop, port := farpath.Namespace(t), "port"+strconv.Itoa(i)
		laptops[name] = laptop
		ip("-n", router, "link", "add", port, "type", "veth", "peer", "name", "lan0", "netns", laptop)
		ip("-n", router, "link", "set", port, "master", "lan", "up")
		ip("-n", laptop, "addr", "add", "192.168.7."+strconv.Itoa(20+i)+"/24", "dev", "lan0")
		ip("-n", laptop, "link", "set", "lan0", "up")
		ip("-n", laptop, "route", "add", "default", "via", "192.168.7.1")
	}
	within := func(namespace, program string, args ...string) *exec.Cmd {
		return exec.CommandContext(context.WithoutCancel(t.Context()), "ip", append([]string{"netns", "exec", namespace, program}, args...)...)
	}

	r := newRig(t)
	r.address = net.JoinHostPort("192.168.7.1", "8443")
	r.config = filepath.Join(r.dir, "router", "collector.yaml")
	r.said = r.must("farmhound-collector", "init", "--dir", filepath.Dir(r.config), "--name", "192.168.7.1")
	r.write("secret", r.found(`enrolment secret +(\S+)`))
	r.write("token", r.found(`admin token +(\S+)`))
	r.begin(within(router, filepath.Join(r.bin, "farmhound-collector"), "serve"))
	analyst := func(args ...string) ([]byte, error) {
		return r.output(within(router, filepath.Join(r.bin, "farmhound"), args...))
	}
	r.eventually("the collector answers", func() bool {
		_, err := analyst("login", r.address, "--ca", filepath.Join(filepath.Dir(r.config), "ca.pem"), "--token-file", filepath.Join(r.dir, "token"))
		return err == nil
	})
	for name, laptop := range laptops {
		r.begin(within(laptop, filepath.Join(r.bin, "farmhound-agent"), "--state-dir", filepath.Join(r.dir, name),
			"--enroll-secret-file", filepath.Join(r.dir, "secret"), "run"))
	}

	var shown struct {
		Site struct {
			ID string `json:"id"`
		} `json:"site"`
		Members []struct {
			Ties []struct {
				Kind string   `json:"kind"`
				With []string `json:"with"`
			} `json:"ties"`
		} `json:"members"`
	}
	size, beside := 1400, 0
	told := func() bool {
		// They speak once in a while, as laptops do, and whatever changes on their
		// networks makes them report.
		_ = within(laptops["first"], "bash", "-c", "echo hello > /dev/udp/192.168.7.21/9").Run()
		for _, laptop := range laptops {
			ip("-n", laptop, "link", "set", "lan0", "mtu", strconv.Itoa(size))
		}
		size = 2900 - size
		var sites []struct {
			ID string `json:"id"`
		}
		out, err := analyst("sites", "list", "--all", "-o", "json")
		if err != nil || json.Unmarshal(out, &sites) != nil || len(sites) != 1 {
			return false
		}
		if out, err = analyst("sites", "show", sites[0].ID, "-o", "json"); err != nil || json.Unmarshal(out, &shown) != nil {
			return false
		}
		beside = 0
		for _, m := range shown.Members {
			for _, tie := range m.Ties {
				if tie.Kind == "neighbours" && len(tie.With) == 1 {
					beside++
				}
			}
		}
		return beside == 2
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for deadline := time.Now().Add(4 * time.Minute); !told(); <-tick.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for each laptop to tell of the other; known is %+v", shown)
		}
	}
	for _, format := range []string{"table", "csv"} {
		out, err := analyst("sites", "show", shown.Site.ID, "-o", format)
		if err != nil || !strings.Contains(string(out), "each sees the other") {
			t.Errorf("as %s: %v\n%s", format, err, out)
		}
	}
}
