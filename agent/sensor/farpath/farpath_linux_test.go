package farpath_test

import (
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/farmhound-security/farmhound/agent/sensor/farpath"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestPathTakesItsTime(t *testing.T) {
	t.Parallel()
	const delay = 60 * time.Millisecond
	farpath.Require(t, "bash")
	path := farpath.New(t, delay)
	var listener net.Listener
	err := path.InNear(func() (err error) {
		listener, err = net.Listen("tcp4", net.JoinHostPort(path.NearAddr.String(), "4000"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	// The shell's own connection is enough: it opens, and the near side sees it.
	began := time.Now()
	dial := path.Far(t.Context(), "bash", "-c", "exec 3<>/dev/tcp/"+path.NearAddr.String()+"/4000")
	if out, err := dial.CombinedOutput(); err != nil {
		t.Fatalf("connect from afar: %v: %s", err, out)
	}
	if took := time.Since(began); took < 2*delay {
		t.Errorf("connected within %v, which is nearer than %v each way", took, delay)
	}
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if peer := conn.RemoteAddr().(*net.TCPAddr).AddrPort().Addr().Unmap(); peer != path.FarAddr {
		t.Errorf("peer %v, want %v", peer, path.FarAddr)
	}
}
