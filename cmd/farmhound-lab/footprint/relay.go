package footprint

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// relay passes connections on to an address and counts what they carry.
type relay struct {
	listener net.Listener
	carried  atomic.Int64
}

func newRelay(ctx context.Context, group *errgroup.Group, to string) (*relay, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &relay{listener: listener}
	context.AfterFunc(ctx, func() { _ = listener.Close() })
	group.Go(func() error {
		var open sync.WaitGroup
		defer open.Wait()
		for {
			from, err := listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return nil
			}
			if err != nil {
				return err
			}
			open.Go(func() { r.pass(ctx, from, to) })
		}
	})
	return r, nil
}

func (r *relay) address() string { return r.listener.Addr().String() }

func (r *relay) pass(ctx context.Context, from net.Conn, address string) {
	defer from.Close()
	to, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return
	}
	defer to.Close()
	stop := context.AfterFunc(ctx, func() { _, _ = from.Close(), to.Close() })
	defer stop()
	var both sync.WaitGroup
	for _, ends := range [...][2]net.Conn{{from, to}, {to, from}} {
		both.Go(func() {
			_, _ = io.Copy(counting{ends[1], &r.carried}, ends[0])
			_, _ = from.Close(), to.Close()
		})
	}
	both.Wait()
}

// counting counts what is written.
type counting struct {
	io.Writer
	total *atomic.Int64
}

func (c counting) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.total.Add(int64(n))
	return n, err
}
