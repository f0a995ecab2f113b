//go:build unix && !darwin

package road

import (
	"context"
	"io"
	"os"
	"path/filepath"
)

// maxEnvironment bounds what is read of the system's environment.
const maxEnvironment = 64 << 10

// systemProxies reads /etc/environment, which services are not given.
func systemProxies(_ context.Context, root string) Found {
	const path = "/etc/environment"
	file, err := os.Open(filepath.Join(root, path))
	if err != nil {
		return Found{}
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxEnvironment))
	if err != nil {
		return Found{}
	}
	return environmentFile(string(data), path)
}
