package heard

import (
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/sys/windows"
)

// perMinute bounds the packets that are read, questions among them: Windows has no filter
// for a datagram socket. Where more is said, the rest is left to the system to drop,
// which wakes nobody.
const perMinute = 240

// Listener hears until it is closed.
type Listener struct {
	memory     *Memory
	now        func() time.Time
	sockets    []socket
	end, ready windows.Handle // events: it is to end; a packet is there
	running    sync.WaitGroup
}

type socket struct {
	handle windows.Handle
	*protocol
}

// Listen joins the groups on the interfaces with the indices and has who is heard there
// remembered, with a goroutine of its own until Close. It is an error if no group can be
// joined. Whether the firewall lets anything arrive, Windows does not tell.
func Listen(interfaces []int, memory *Memory, now func() time.Time) (_ *Listener, err error) {
	l := &Listener{memory: memory, now: now}
	if err := l.prepare(); err != nil {
		return nil, fmt.Errorf("listen to multicast: %w", err)
	}
	interfaces = interfaces[:min(len(interfaces), mostLinks)]
	for _, p := range protocols() {
		for _, g := range p.groups {
			handle, failed := join(g, interfaces, l.ready)
			if failed != nil {
				err = failed
				continue
			}
			l.sockets = append(l.sockets, socket{handle, &p})
		}
	}
	if len(l.sockets) == 0 {
		return nil, errors.Join(fmt.Errorf("listen to multicast: %w", err), l.clean())
	}
	l.running.Go(l.run)
	return l, nil
}

// prepare opens what clean closes.
func (l *Listener) prepare() (err error) {
	const version = 2<<8 | 2
	if err := windows.WSAStartup(version, new(windows.WSAData)); err != nil {
		return fmt.Errorf("start the network's library: %w", err)
	}
	const manual = 1
	if l.end, err = windows.CreateEvent(nil, manual, 0, nil); err == nil {
		l.ready, err = windows.CreateEvent(nil, 0, 0, nil)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("make an event: %w", err), l.clean())
	}
	return nil
}

func (l *Listener) clean() (err error) {
	for _, s := range l.sockets {
		err = errors.Join(err, windows.Closesocket(s.handle))
	}
	for _, event := range []windows.Handle{l.end, l.ready} {
		if event != 0 {
			err = errors.Join(err, windows.CloseHandle(event))
		}
	}
	return errors.Join(err, windows.WSACleanup())
}

// Close leaves the groups and waits for the goroutine.
func (l *Listener) Close() error {
	err := windows.SetEvent(l.end)
	l.running.Wait()
	if err = errors.Join(err, l.clean()); err != nil {
		return fmt.Errorf("stop listening to multicast: %w", err)
	}
	return nil
}

// run reads until it is to end.
func (l *Listener) run() {
	events := []windows.Handle{l.end, l.ready}
	packet := make([]byte, longestPacket)
	var spent allowance
	for {
		wait, timeout := events, uint32(windows.INFINITE)
		if pause := spent.pause(time.Now()); pause > 0 {
			// Enough for now: sleep until the time is over, whatever arrives.
			wait, timeout = events[:1], uint32(pause.Milliseconds())+1
		}
		const packetThere = windows.WAIT_OBJECT_0 + 1
		switch event, err := windows.WaitForMultipleObjects(wait, false, timeout); {
		case err != nil || event == windows.WAIT_OBJECT_0:
			return
		case event != packetThere:
			continue // the time is over
		}
		spent.woken(time.Now())
		// One event is for all of them, and is set anew by what is left of one that was read.
		for _, s := range l.sockets {
			for spent.more() && l.read(s, packet) {
				spent.took()
			}
		}
	}
}

// read takes one packet. It is false where there is none.
func (l *Listener) read(s socket, packet []byte) bool {
	n, from, err := windows.Recvfrom(s.handle, packet, 0)
	if err != nil {
		return false
	}
	switch from := from.(type) {
	case *windows.SockaddrInet4:
		s.take(packet[:n], netip.AddrFrom4(from.Addr), l.memory, l.now())
	case *windows.SockaddrInet6:
		s.take(packet[:n], netip.AddrFrom16(from.Addr), l.memory, l.now())
	}
	return true
}
