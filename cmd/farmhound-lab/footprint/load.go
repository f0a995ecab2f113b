package footprint

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"time"

	"golang.org/x/sync/errgroup"
)

// load is what runs beside the agent.
type load struct {
	processes []*exec.Cmd // each waits at an input that is open until it is waited for
	open      []io.Closer
}

// startLoad starts it; what was started is in the load also with an error.
func startLoad(ctx context.Context, processes, sockets int) (*load, error) {
	l := new(load)
	for range processes {
		c := exec.CommandContext(ctx, sleeper[0], sleeper[1:]...) //nolint:gosec // a fixed program
		if _, err := c.StdinPipe(); err != nil {
			return l, fmt.Errorf("start the load: %w", err)
		}
		if err := c.Start(); err != nil {
			return l, fmt.Errorf("start the load: %w", err)
		}
		l.processes = append(l.processes, c)
	}
	if sockets == 0 {
		return l, nil
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return l, err
	}
	l.open = append(l.open, listener)
	for range sockets {
		near, err := new(net.Dialer).DialContext(ctx, "tcp", listener.Addr().String())
		if err != nil {
			return l, fmt.Errorf("start the load: %w", err)
		}
		l.open = append(l.open, near)
		far, err := listener.Accept()
		if err != nil {
			return l, fmt.Errorf("start the load: %w", err)
		}
		l.open = append(l.open, far)
	}
	return l, nil
}

func (l *load) end() {
	for _, c := range l.open {
		_ = c.Close()
	}
	for _, c := range l.processes {
		_ = c.Process.Kill()
		_ = c.Wait()
	}
}

// scrapePause is between two scrapes of the other agent.
const scrapePause = 15 * time.Second

// exporters are the names under which systems have the Prometheus exporter.
var exporters = [...]string{"prometheus-node-exporter", "node_exporter", "windows_exporter"}

// startOther starts the Prometheus exporter and scrapes it, where there is one.
func startOther(ctx context.Context, group *errgroup.Group) (*exec.Cmd, error) {
	program := ""
	for _, name := range exporters {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	if program == "" {
		return nil, nil //nolint:nilnil // there is none to compare with
	}
	free, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	address := free.Addr().String()
	if err := free.Close(); err != nil {
		return nil, err
	}
	c := exec.CommandContext(ctx, program, "--web.listen-address="+address) //nolint:gosec // a fixed program
	if err := c.Start(); err != nil {
		return nil, err
	}
	group.Go(func() error {
		_ = c.Wait() // it is ended by force
		return nil
	})
	group.Go(func() error {
		ticker := time.NewTicker(scrapePause)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				scrape(ctx, "http://"+address+"/metrics")
			case <-ctx.Done():
				return nil
			}
		}
	})
	return c, nil
}

// scrape reads a page. One that fails costs less, which the comparison can bear.
func scrape(ctx context.Context, url string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
}
