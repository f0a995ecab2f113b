//go:build !linux && !windows

package hands

import "context"

// detailNone says that this system is not counted on yet.
const detailNone = "input is not counted on this system"

// system is what the sense keeps on other systems: nothing.
type system struct{}

func newSystem(*Sensor) system { return system{} }

func (system) look(context.Context) state { return state{details: []string{detailNone}} }

func (system) close() error { return nil }
