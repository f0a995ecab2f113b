package road

import (
	"context"

	"golang.org/x/sys/windows/registry"

	"github.com/farmhound-security/farmhound/agent/internal/proxies"
)

const maxUsers = 64

// systemProxies reads the proxy of the machine and, where it has none, of the users who
// are logged on: a service has no settings of its own.
func systemProxies(_ context.Context, root string) Found {
	if root != "" {
		return Found{}
	}
	if found := machineRecord(); !found.silent() {
		return found
	}
	if found := internetSettingsOf(registry.LOCAL_MACHINE, "", "Windows' settings of this machine"); !found.silent() {
		return found
	}
	users, err := registry.OpenKey(registry.USERS, "", registry.ENUMERATE_SUB_KEYS)
	if err != nil {
		return Found{}
	}
	defer users.Close()
	names, _ := users.ReadSubKeyNames(maxUsers) // fewer than that ends with io.EOF
	for _, name := range names {
		if found := internetSettingsOf(registry.USERS, name+`\`, "Windows' settings of a user"); !found.silent() {
			return found
		}
	}
	return Found{}
}

// machineRecord is what netsh winhttp set proxy writes.
func machineRecord() Found {
	data, err := proxies.OfServices()
	if err != nil {
		return Found{}
	}
	return connectionRecord(data, "Windows' settings for services (netsh winhttp)")
}

func internetSettingsOf(hive registry.Key, prefix, from string) Found {
	s, err := proxies.ReadSettings(hive, prefix+proxies.InternetSettings)
	if err != nil {
		return Found{}
	}
	return windowsSettings(from, s, false)
}
