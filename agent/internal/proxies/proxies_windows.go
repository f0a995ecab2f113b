package proxies

import (
	"fmt"

	"golang.org/x/sys/windows/registry"
)

// InternetSettings is where a hive holds its Settings.
const InternetSettings = `Software\Microsoft\Windows\CurrentVersion\Internet Settings`

// ReadSettings reads settings. The error is registry.ErrNotExist where there are none.
func ReadSettings(hive registry.Key, path string) (s Settings, err error) {
	key, err := registry.OpenKey(hive, path, registry.QUERY_VALUE)
	if err != nil {
		return s, fmt.Errorf("read proxy settings: %w", err)
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
	return Settings{
		Enabled: err == nil && enabled != 0, Servers: text("ProxyServer"), Exceptions: text("ProxyOverride"), Script: text("AutoConfigURL"),
	}, nil
}

// OfServices reads the record of the proxy for services. The error is
// registry.ErrNotExist where there is none.
func OfServices() ([]byte, error) {
	key, err := registry.OpenKey(registry.LOCAL_MACHINE, InternetSettings+`\Connections`, registry.QUERY_VALUE)
	if err != nil {
		return nil, fmt.Errorf("read the proxy of services: %w", err)
	}
	defer key.Close()
	data, _, err := key.GetBinaryValue("WinHttpSettings")
	if err != nil {
		return nil, fmt.Errorf("read the proxy of services: %w", err)
	}
	return data, nil
}
