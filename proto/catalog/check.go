package catalog

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Short names for what every file of this package speaks of.
const (
	anySystem = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_UNSPECIFIED
	linux     = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_LINUX
	windows   = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_WINDOWS
	macOS     = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_MACOS
)

// programRoots are the only folders in which a path fact may ask for something.
var programRoots = map[farmhoundv1.OperatingSystem][]string{
	linux: {
		"/usr/bin/", "/usr/sbin/", "/usr/lib/", "/usr/lib64/", "/usr/libexec/", "/usr/share/",
		"/usr/local/", "/usr/NX/", "/opt/", "/snap/", "/var/lib/flatpak/app/",
	},
	windows: {
		`C:\Program Files\`, `C:\Program Files (x86)\`, `C:\ProgramData\`, `C:\Windows\`,
	},
	macOS: {
		"/Applications/", "/Library/", "/System/Library/CoreServices/", "/usr/local/", "/opt/",
	},
}

// homeRoots hold one folder per application. Below them a fact may ask for an
// application's own folder and for nothing inside it.
var homeRoots = map[farmhoundv1.OperatingSystem][]string{
	linux:   {"~/.config/", "~/.local/share/"},
	windows: {`~\AppData\Local\`, `~\AppData\Roaming\`},
	macOS:   {"~/Applications/", "~/Library/Application Support/"},
}

// logRoots are the folders in which a tool may keep its session log.
var logRoots = map[farmhoundv1.OperatingSystem][]string{
	linux:   {"/var/log/", "/opt/", "~/.anydesk/", "~/.config/anydesk/", "~/.config/teamviewer/", "~/.local/share/logs/RustDesk/"},
	windows: {`C:\ProgramData\`, `C:\Program Files\`, `C:\Program Files (x86)\`, `~\AppData\Roaming\AnyDesk\`},
	macOS:   {"/Library/Logs/", "/var/log/", "~/.anydesk/", "~/Library/Logs/"},
}

// CheckFact reports whether a fact is one that a catalogue may ask for: of a
// known kind, with a value that fits the kind, and a path only in the fixed
// program folders.
func CheckFact(f *farmhoundv1.Fact) error {
	if err := checkValue(f); err != nil {
		return fmt.Errorf("%s fact %q: %w", KindName(f.GetKind()), f.GetValue(), err)
	}
	return nil
}

func checkValue(f *farmhoundv1.Fact) error {
	if f.GetStrength() > farmhoundv1.Strength_STRENGTH_WEAK {
		return errors.New("the strength is unknown")
	}
	value := f.GetValue()
	switch f.GetKind() {
	case farmhoundv1.FactKind_FACT_KIND_USB:
		return checkUSB(f)
	case farmhoundv1.FactKind_FACT_KIND_EDID:
		return checkEDID(f)
	}
	if f.GetUsb() != nil || f.GetEdid() != nil {
		return errors.New("only usb and edid facts have a structured value")
	}
	if value == "" {
		return errors.New("the value is empty")
	}
	switch f.GetKind() {
	case farmhoundv1.FactKind_FACT_KIND_PATH:
		return checkPath(f.GetOs(), value)
	case farmhoundv1.FactKind_FACT_KIND_SESSION_LOG:
		return checkUnder(logRoots[f.GetOs()], value)
	case farmhoundv1.FactKind_FACT_KIND_PORT:
		if port, err := strconv.ParseUint(value, 10, 16); err != nil || port == 0 || strconv.FormatUint(port, 10) != value {
			return errors.New("must be a port number")
		}
	case farmhoundv1.FactKind_FACT_KIND_USB_REPORT_DESCRIPTOR:
		if sum, err := hex.DecodeString(value); err != nil || len(sum) != 32 || strings.ToLower(value) != value {
			return errors.New("must be a SHA-256 in lower-case hexadecimal")
		}
	case farmhoundv1.FactKind_FACT_KIND_INTERFACE, farmhoundv1.FactKind_FACT_KIND_SERVICE,
		farmhoundv1.FactKind_FACT_KIND_LAUNCHD, farmhoundv1.FactKind_FACT_KIND_UNINSTALL_KEY, farmhoundv1.FactKind_FACT_KIND_BUNDLE_ID:
		return checkEnding(f.GetKind(), value)
	case farmhoundv1.FactKind_FACT_KIND_DOMAIN:
		return checkWildcard(strings.TrimPrefix(value, "*."))
	case farmhoundv1.FactKind_FACT_KIND_PROCESS, farmhoundv1.FactKind_FACT_KIND_SESSION_PROCESS:
		if strings.ContainsAny(value, `/\`) {
			return errors.New("must be a file name without its folder")
		}
		return checkProcess(f.GetKind(), value)
	default:
		if f.GetKind() > farmhoundv1.FactKind_FACT_KIND_ORIGINAL_FILENAME {
			return errors.New("the kind is unknown")
		}
		return checkWildcard(value)
	}
	return nil
}

// shortestStems are how much of a value must stand before a wildcard at its end, in
// bytes. Tunnels' interfaces are tun0 and wg0, and products have names of four letters.
var shortestStems = map[farmhoundv1.FactKind]int{
	farmhoundv1.FactKind_FACT_KIND_PROCESS:       5,
	farmhoundv1.FactKind_FACT_KIND_LAUNCHD:       5,
	farmhoundv1.FactKind_FACT_KIND_BUNDLE_ID:     5,
	farmhoundv1.FactKind_FACT_KIND_SERVICE:       4,
	farmhoundv1.FactKind_FACT_KIND_UNINSTALL_KEY: 4,
	farmhoundv1.FactKind_FACT_KIND_INTERFACE:     2,
}

// checkEnding allows one wildcard at the end, after a stem.
func checkEnding(kind farmhoundv1.FactKind, value string) error {
	stem, wild := strings.CutSuffix(value, "*")
	if least := shortestStems[kind]; wild && len(stem) < least {
		return fmt.Errorf("needs %d letters before its wildcard", least)
	}
	return checkWildcard(stem)
}

// checkProcess allows one wildcard after a stem: at the end or before .exe. Programs
// that are downloaded carry a version or a session in their name.
func checkProcess(kind farmhoundv1.FactKind, value string) error {
	name := strings.TrimSuffix(value, ".exe")
	if kind != farmhoundv1.FactKind_FACT_KIND_PROCESS && strings.HasSuffix(name, "*") {
		return errors.New("only a process fact may hold a wildcard")
	}
	return checkEnding(kind, name)
}

// checkWildcard is given what is left when the one wildcard that the kind
// allows is gone.
func checkWildcard(rest string) error {
	if rest == "" || strings.ContainsAny(rest, "*?") {
		return errors.New("holds a wildcard where none is allowed")
	}
	return nil
}

func checkPath(os farmhoundv1.OperatingSystem, path string) error {
	if !strings.HasPrefix(path, "~") {
		return checkUnder(programRoots[os], path)
	}
	if err := checkUnder(homeRoots[os], path); err != nil {
		return err
	}
	separator := separatorOf(os)
	for _, root := range homeRoots[os] {
		if folder, below := strings.CutPrefix(path, root); below &&
			strings.HasSuffix(folder, separator) && strings.Count(folder, separator) == 1 {
			return nil
		}
	}
	return errors.New("in a home folder only an application's own folder may be asked for")
}

func checkUnder(roots []string, path string) error {
	if len(roots) == 0 {
		return errors.New("a path needs an operating system")
	}
	if err := checkWildcard(path); err != nil {
		return err
	}
	steps := strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '\\' })
	if slices.Contains(steps, "..") || slices.Contains(steps, ".") || strings.Contains(path, "//") || strings.Contains(path, `\\`) {
		return errors.New("the path is not in its plain form")
	}
	for _, root := range roots {
		if strings.HasPrefix(path, root) && len(path) > len(root) {
			return nil
		}
	}
	return fmt.Errorf("outside the folders that may be asked for: %s", strings.Join(roots, ", "))
}

func checkUSB(f *farmhoundv1.Fact) error {
	u := f.GetUsb()
	if u == nil || f.GetValue() != "" || f.GetEdid() != nil {
		return errors.New("a usb fact has a usb identity and nothing else")
	}
	if u.VendorId == nil && u.GetManufacturer() == "" && u.GetProduct() == "" && u.GetStorageName() == "" {
		return errors.New("names neither a vendor nor a word of the device")
	}
	return nil
}

func checkEDID(f *farmhoundv1.Fact) error {
	e := f.GetEdid()
	if e == nil || f.GetValue() != "" || f.GetUsb() != nil {
		return errors.New("an edid fact has an edid identity and nothing else")
	}
	if e.GetMaker() == "" && e.GetName() == "" {
		return errors.New("names neither a maker nor a monitor")
	}
	return nil
}

// KindName returns a kind as the readable form and people write it, for
// example bundle_id.
func KindName(kind farmhoundv1.FactKind) string {
	return strings.ToLower(strings.TrimPrefix(kind.String(), "FACT_KIND_"))
}

func separatorOf(os farmhoundv1.OperatingSystem) string {
	if os == windows {
		return `\`
	}
	return "/"
}

// CategoryName returns a category as the readable form and people write it, for
// example remote-control.
func CategoryName(c farmhoundv1.Category) string {
	return strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(c.String(), "CATEGORY_"), "_", "-"))
}
