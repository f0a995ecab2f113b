// Package farpath is support for tests that need somebody far away: two network
// namespaces on this machine, joined by a path that holds every packet for a while.
//
//	path := farpath.New(t, 60*time.Millisecond)
//	server := path.Near(ctx, "x11vnc", "-display", ":7")
//	viewer := path.Far(ctx, "xtightvncviewer", path.NearAddr.String()+"::5900")
//
// Programs of the near side see a peer with the address FarAddr and a round trip of
// twice the delay, measured by the kernel as on any network. It needs Linux, root and
// the ip program; New skips the test where one is missing, and fails it when the
// environment has FARMHOUND_TEST_REQUIRE=all.
//
// Only tests import this package: the agent must not link it.
package farpath
