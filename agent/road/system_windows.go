package road

import (
	"context"

	"golang.org/x/sys/windows/registry"
)

const (
	internetSettings = `Software\Microsoft\Windows\CurrentVersion\Internet Settings`
	maxUsers         = 64
)

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
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, internetSettings+`\Connections`, registry.QUERY_VALUE)
	if err != nil {
		return Found{}
	}
	defer key.Close()
	data, _, err := key.GetBinaryValue("WinHttpSettings")
	if err != nil {
		return Found{}
	}
	return parseConnectionRecord(data, "Windows' settings for services (netsh winhttp)")
}

func internetSettingsOf(hive registry.Key, prefix, from string) Found {
	key, err := registry.OpenKey(hive, prefix+internetSettings, registry.QUERY_VALUE)
	if err != nil {
		return Found{}
	}
	defer key.Close()
	text := func(name string) string {
		value, _, err := key.GetStringValue(name)
		if err != nil {
			return "" // not set
		}
		return value
	}
	enabled, _, err := key.GetIntegerValue("ProxyEnable")
	if err != nil {
		enabled = 0
	}
	return windowsSettings(from, text("ProxyServer"), text("ProxyOverride"), text("AutoConfigURL"), enabled != 0, false)
}
