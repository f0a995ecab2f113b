package detect

import (
	"sync"
	"testing"
)

// shippedRules are loaded once: compiling them is most of what tests would do.
var shippedRules = sync.OnceValues(func() (*Rules, error) { return Load(Shipped()) })

func rules(t testing.TB) *Rules {
	t.Helper()
	r, err := shippedRules()
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestShippedSignalsPassTheirOwnTests(t *testing.T) {
	t.Parallel()
	for _, f := range rules(t).Test() {
		t.Errorf("%v", f)
	}
}
