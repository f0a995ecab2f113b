package sensor

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/protobuf/testing/protocmp"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

func TestReadSystem(t *testing.T) {
	t.Parallel()
	const linux = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_LINUX
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  *farmhoundv1.System
	}{
		{"a laptop", map[string]string{
			"sys/class/dmi/id/product_serial": "PF-3ABCDE\n", "sys/class/dmi/id/sys_vendor": "LENOVO\n",
			"sys/class/dmi/id/product_name": "20XW00AAUS\n", "sys/class/dmi/id/chassis_type": "10\n",
			"etc/os-release":           "NAME=\"Ubuntu\"\nPRETTY_NAME=\"Ubuntu 24.04.3 LTS\"\n# a comment=1\n",
			"proc/sys/kernel/hostname": "nb-114\n",
		}, &farmhoundv1.System{
			Serial: "PF-3ABCDE", Manufacturer: "LENOVO", Model: "20XW00AAUS", Os: linux,
			OsVersion: "Ubuntu 24.04.3 LTS", Chassis: farmhoundv1.Chassis_CHASSIS_LAPTOP, Hostname: "nb-114",
		}},
		{"an ARM laptop with a device tree", map[string]string{
			"sys/firmware/devicetree/base/serial-number": "C02XY\x00", "sys/firmware/devicetree/base/model": "Apple MacBook Air (M1, 2020)\x00",
			"usr/lib/os-release": "NAME='Fedora Linux Asahi Remix'\nVERSION_ID=42\n",
		}, &farmhoundv1.System{Serial: "C02XY", Model: "Apple MacBook Air (M1, 2020)", Os: linux, OsVersion: "Fedora Linux Asahi Remix 42"}},
		{"Windows' subsystem for Linux", map[string]string{
			"proc/sys/kernel/osrelease": "6.6.87.2-microsoft-standard-WSL2\n", "etc/os-release": "PRETTY_NAME=\"Ubuntu 24.04.3 LTS\"\n",
			"sys/class/dmi/id/chassis_type": "10\n",
		}, &farmhoundv1.System{
			Manufacturer: "Microsoft Corporation", Model: "Windows Subsystem for Linux", Os: linux,
			OsVersion: "Ubuntu 24.04.3 LTS", Chassis: farmhoundv1.Chassis_CHASSIS_VIRTUAL,
		}},
		{"nothing to read", nil, &farmhoundv1.System{Os: linux}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			for name, content := range tt.files {
				path := filepath.Join(root, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(tt.want, ReadSystem(Host{Root: root}), protocmp.Transform()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzParseOSRelease(f *testing.F) {
	f.Add("PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID='debian'\n=x\n")
	f.Fuzz(func(t *testing.T, text string) {
		for name, value := range parseOSRelease(text) {
			if len(name)+len(value) > len(text) {
				t.Errorf("%q is %q in %q", name, value, text)
			}
		}
	})
}
