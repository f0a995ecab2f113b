package network

import (
	"errors"
	"fmt"
	"sync/atomic"

	"golang.org/x/sys/windows"

	"github.com/farmhound-security/farmhound/agent/sensor/host"
)

// notices is what Windows tells unasked about interfaces, addresses and routes.
type notices struct {
	told    *told // nil before it is followed, and where it is not told
	handles []windows.Handle
	tried   bool
}

// told is whether something came or went, and whether something there changed. Windows'
// threads write it.
type told struct{ much, little atomic.Bool }

// changed takes what Windows told since the last call. It follows it from the first call
// on.
func (s *system) changed(host.Host) change {
	n := &s.notices
	if !n.tried {
		n.tried = true
		n.follow()
	}
	switch {
	case n.told == nil:
		return little
	case n.told.much.Swap(false):
		return much
	case n.told.little.Swap(false):
		return little
	}
	return nothing
}

// follow has Windows tell. Unless it tells all of it, none is relied on.
func (n *notices) follow() {
	changes := &told{}
	callback := windows.NewCallback(func(_, _ uintptr, kind uint32) uintptr {
		if kind == windows.MibParameterNotification {
			changes.little.Store(true)
		} else {
			changes.much.Store(true)
		}
		return 0
	})
	var interfaces, addresses, routes windows.Handle
	for _, ask := range []struct {
		handle *windows.Handle
		err    error
	}{
		{&interfaces, windows.NotifyIpInterfaceChange(windows.AF_UNSPEC, callback, nil, false, &interfaces)},
		{&addresses, windows.NotifyUnicastIpAddressChange(windows.AF_UNSPEC, callback, nil, false, &addresses)},
		{&routes, windows.NotifyRouteChange2(windows.AF_UNSPEC, callback, nil, false, &routes)},
	} {
		if ask.err == nil {
			n.handles = append(n.handles, *ask.handle)
		}
	}
	const all = 3
	if len(n.handles) == all {
		n.told = changes
	}
}

// close ends it.
func (n *notices) close() (err error) {
	for _, handle := range n.handles {
		if failed := windows.CancelMibChangeNotify2(handle); failed != nil {
			err = errors.Join(err, fmt.Errorf("stop following changes of the network: %w", failed))
		}
	}
	*n = notices{}
	return err
}
