// Package winetest holds tests of the agent's Windows program, run for real under
// Wine: in a prefix of its own, with a registry, a service manager, processes and
// connections that are there.
//
// What Wine does not have is tested where it is read, on recordings: terminal
// sessions, round trips of connections, signatures that Windows trusts.
//
// It has no code but that of its tests.
package winetest
