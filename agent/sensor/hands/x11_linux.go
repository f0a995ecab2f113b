package hands

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	x11Patience = 2 * time.Second
	mostCookies = 64 << 10
	mostServers = 8
)

// display listens to one X server for input that software makes.
type display struct {
	server  xServer
	sensor  *Sensor
	conn    net.Conn
	in      *bufio.Reader
	head    [headSize]byte
	major   byte
	root    uint32
	sources map[uint16]*source
	reader  sync.WaitGroup
	// ended is closed when the server has gone.
	ended chan struct{}
}

// openDisplay connects to an X server of the running machine and has it listened to
// until close. It takes x11Patience at the most.
func openDisplay(ctx context.Context, s *Sensor, server xServer) (*display, error) {
	if server.display == "" {
		return nil, errX11Nowhere
	}
	ctx, cancel := context.WithTimeout(ctx, x11Patience)
	defer cancel()
	var cookie []byte
	if server.auth != "" {
		data, err := readOwned(server.auth, mostCookies, server.mayOwn)
		if errors.Is(err, errForeign) {
			return nil, fmt.Errorf("read the cookie of the X server :%s: %w", server.display, err)
		}
		// A file that is not there or not readable: the server may know us by our user.
		if err == nil {
			cookie = parseCookie(data, server.display)
		}
	}
	conn, err := dialX11(ctx, server.display)
	if err != nil {
		return nil, err
	}
	if user, err := listener(conn); err != nil || user != server.user && user != 0 {
		conn.Close()
		return nil, errX11Stranger
	}
	d := &display{
		server: server, sensor: s, conn: conn, in: bufio.NewReaderSize(conn, 4096),
		sources: map[uint16]*source{}, ended: make(chan struct{}),
	}
	if err := d.begin(ctx, cookie); err != nil {
		conn.Close()
		return nil, fmt.Errorf("ask the X server :%s: %w", server.display, err)
	}
	d.reader.Go(d.listen)
	return d, nil
}

func dialX11(ctx context.Context, display string) (net.Conn, error) {
	name := "/tmp/.X11-unix/X" + display
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "unix", name)
	if errors.Is(err, os.ErrNotExist) {
		conn, err = dialer.DialContext(ctx, "unix", "@"+name)
	}
	if err != nil {
		return nil, fmt.Errorf("connect to the X server: %w", err)
	}
	return conn, nil
}

// errX11Nowhere is a server whose display has no number that is known.
var errX11Nowhere = errors.New("the X server's display is not known")

// errX11Stranger is somebody else's socket in the server's place, who would learn the
// server's cookie.
var errX11Stranger = errors.New("another user listens in the X server's place")

// listener returns the user who listens at the other end of a connection.
func listener(conn net.Conn) (uint32, error) {
	socket, ok := conn.(*net.UnixConn)
	if !ok {
		return 0, errX11Stranger
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return 0, fmt.Errorf("ask who listens: %w", err)
	}
	var peer *unix.Ucred
	var failed error
	if err := raw.Control(func(fd uintptr) { peer, failed = unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED) }); err != nil {
		return 0, fmt.Errorf("ask who listens: %w", err)
	}
	if failed != nil {
		return 0, fmt.Errorf("ask who listens: %w", failed)
	}
	return peer.Uid, nil
}

// begin opens the connection, finds the input extension and selects what to hear, while
// the context lasts.
func (d *display) begin(ctx context.Context, cookie []byte) error {
	release := context.AfterFunc(ctx, func() { _ = d.conn.SetDeadline(time.Unix(1, 0)) })
	defer release()
	if _, err := d.conn.Write(setupRequest(cookie)); err != nil {
		return err
	}
	var start [8]byte
	if _, err := io.ReadFull(d.in, start[:]); err != nil {
		return err
	}
	if start[0] != 1 {
		return errX11Refused
	}
	setup := make([]byte, 4*int(binary.LittleEndian.Uint16(start[6:])))
	if _, err := io.ReadFull(d.in, setup); err != nil {
		return err
	}
	var err error
	if d.root, err = parseSetup(setup); err != nil {
		return err
	}
	if _, err := d.ask(queryExtension("XInputExtension")); err != nil {
		return err
	}
	if d.head[8] == 0 {
		return errors.New("no input extension")
	}
	d.major = d.head[9]
	if _, err := d.ask(request(d.major, xiQueryVersion, 2, 0, 2, 0)); err != nil {
		return err
	}
	if _, err := d.conn.Write(selectEvents(d.major, d.root, xiAllDevices, xiHierarchyChanged)); err != nil {
		return err
	}
	devices, err := d.ask(request(d.major, xiQueryDevice, xiAllDevices, 0, 0, 0))
	if err != nil {
		return err
	}
	if err := d.choose(devices); err != nil {
		return err
	}
	if !release() {
		return ctx.Err()
	}
	return nil
}

// ask sends a request and returns what follows the head of its answer, which is left
// in d.head.
func (d *display) ask(request []byte) ([]byte, error) {
	if _, err := d.conn.Write(request); err != nil {
		return nil, err
	}
	for {
		body, err := d.next()
		switch {
		case err != nil:
			return nil, err
		case d.head[0] == replyError:
			return nil, errX11
		case d.head[0] == replyAnswer:
			return body, nil
		}
	}
}

// next reads the next answer, error or event.
func (d *display) next() ([]byte, error) {
	if _, err := io.ReadFull(d.in, d.head[:]); err != nil {
		return nil, err
	}
	n, err := follows(d.head[:])
	if err != nil || n == 0 {
		return nil, err
	}
	if d.head[0] != replyAnswer {
		_, err := d.in.Discard(n) // of an event, nothing more is looked at
		return nil, err
	}
	body := make([]byte, n)
	_, err = io.ReadFull(d.in, body)
	return body, err
}

// choose selects the raw input of those devices of a list that software drives. What
// moves a physical pointer is not even sent.
func (d *display) choose(list []byte) error {
	devices, err := parseDevices(d.head[:], list)
	if err != nil {
		return err
	}
	present := map[uint16]bool{}
	for i := range devices {
		dev := &devices[i]
		o, counts := dev.places(d.server.remote)
		if !counts {
			continue
		}
		present[dev.id] = true
		if d.sources[dev.id] != nil {
			continue
		}
		// What one program types and what it points is one source.
		kind := strings.ToLower(dev.name)
		for _, word := range [...]string{"keyboard", "pointer", "mouse"} {
			kind = strings.ReplaceAll(kind, word, "")
		}
		d.sources[dev.id] = d.sensor.ledger.open("x11 "+d.server.display+" "+strings.TrimSpace(kind)+strconv.Itoa(int(o)), o)
		if _, err := d.conn.Write(selectEvents(d.major, d.root, dev.id, xiRawKeyPress, xiRawButtonPress, xiRawMotion)); err != nil {
			return err
		}
	}
	for id, s := range d.sources {
		if !present[id] {
			d.sensor.ledger.close(s)
			delete(d.sources, id)
		}
	}
	return nil
}

// listen counts until the connection ends.
func (d *display) listen() {
	defer close(d.ended)
	asked := false
	for {
		body, err := d.next()
		if err != nil {
			break
		}
		if d.head[0] == replyAnswer {
			asked = false
			if d.choose(body) != nil {
				break
			}
			continue
		}
		if id, key, ok := rawInput(d.head[:]); ok {
			if s := d.sources[id]; s != nil {
				d.sensor.ledger.note(s, d.sensor.ledger.clock(), key)
			}
			continue
		}
		// Devices came or went.
		if d.head[0]&0x7f == replyGeneric && binary.LittleEndian.Uint16(d.head[8:]) == xiHierarchyChanged && !asked {
			asked = true
			if _, err := d.conn.Write(request(d.major, xiQueryDevice, xiAllDevices, 0, 0, 0)); err != nil {
				break
			}
		}
	}
	for _, s := range d.sources {
		d.sensor.ledger.close(s)
	}
}

// gone reports whether the server has ended the connection.
func (d *display) gone() bool {
	select {
	case <-d.ended:
		return true
	default:
		return false
	}
}

func (d *display) close() {
	d.conn.Close()
	d.reader.Wait()
}
