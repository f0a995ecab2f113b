//go:build !windows

package hands

import (
	"testing"

	"go.uber.org/goleak"
)

// What starts goroutines waits for them.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
