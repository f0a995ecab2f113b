package main

import "github.com/farmhound-security/farmhound/agent/sensor/hands"

// help runs the helper that the service starts in a person's session; ran is whether
// the arguments ask for it. It is no command of the user's.
func help(args []string) (ran bool, err error) {
	if len(args) != 2 || args[0] != hands.HelperCommand {
		return false, nil
	}
	return true, hands.Help(args[1])
}
