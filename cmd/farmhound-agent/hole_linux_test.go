package main

import (
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/netip"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/farmhound-security/farmhound/agent/doctor"
	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
)

// Real networks that lose packets: all of them, and large ones only.
func TestDoctorInHoles(t *testing.T) {
	t.Parallel()
	path := farpath.New(t, time.Millisecond)
	near, far := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	path.Link(t, "wide0", near, far)
	run := func(command *exec.Cmd) {
		t.Helper()
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v: %v: %s", command, err, out)
		}
	}
	// The far side takes 1000 bytes and promises more, as behind a tunnel whose ICMP is
	// dropped.
	run(path.Near(t.Context(), "ip", "link", "set", "wide0", "mtu", "9000"))
	run(path.Far(t.Context(), "ip", "link", "set", "wide0", "mtu", "1000"))
	run(path.Far(t.Context(), "ip", "route", "change", "192.0.2.0/24", "dev", "wide0", "advmss", "8000"))
	listen(t, path, far)

	for _, tt := range []struct{ name, collector, step, kind string }{
		{"large packets are lost", "192.0.2.2:8443", "tls", "mtu"},
		{"all packets are lost", "198.18.0.1:8443", "connection", "no-answer"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			command := path.Near(t.Context(), "farmhound-agent", "doctor", "-o", "json", "--patience", "2s",
				"--collector", tt.collector, "--ca-pin", strings.Repeat("0", 64), "--state-dir", t.TempDir())
			var complaints bytes.Buffer
			command.Stderr = &complaints
			out, err := command.Output()
			var said struct{ Checks []doctor.Check }
			if json.Unmarshal(out, &said) != nil {
				t.Fatalf("%v: %s%s", err, out, &complaints)
			}
			for _, c := range said.Checks {
				if c.Step == tt.step && (c.State != doctor.Fail || c.Kind != tt.kind) {
					t.Errorf("%+v, want %s", c, tt.kind)
				}
			}
		})
	}
}

// listen answers whatever it reads on the far side with an alert, until the test ends.
func listen(t *testing.T, path *farpath.Path, far netip.Addr) {
	t.Helper()
	address := netip.AddrPortFrom(far, 8443).String()
	var listener net.Listener
	if err := path.InFar(func() (err error) {
		listener, err = new(net.ListenConfig).Listen(context.WithoutCancel(t.Context()), "tcp", address)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
				if _, err := conn.Read(make([]byte, 64<<10)); err == nil {
					_, _ = conn.Write([]byte{21, 3, 3, 0, 2, 2, 70})
				}
			})
		}
	})
	t.Cleanup(func() { _ = listener.Close(); serving.Wait() })
}
