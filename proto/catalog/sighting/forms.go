package sighting

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/farmhound-security/farmhound/proto/catalog"
	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// Short names for what every file of this package speaks of.
const (
	linux   = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_LINUX
	windows = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_WINDOWS
	macOS   = farmhoundv1.OperatingSystem_OPERATING_SYSTEM_MACOS

	identifying = farmhoundv1.Strength_STRENGTH_IDENTIFYING
	supporting  = farmhoundv1.Strength_STRENGTH_SUPPORTING
	weak        = farmhoundv1.Strength_STRENGTH_WEAK

	process   = farmhoundv1.FactKind_FACT_KIND_PROCESS
	session   = farmhoundv1.FactKind_FACT_KIND_SESSION_PROCESS
	path      = farmhoundv1.FactKind_FACT_KIND_PATH
	pkg       = farmhoundv1.FactKind_FACT_KIND_PACKAGE
	bundleID  = farmhoundv1.FactKind_FACT_KIND_BUNDLE_ID
	service   = farmhoundv1.FactKind_FACT_KIND_SERVICE
	launchd   = farmhoundv1.FactKind_FACT_KIND_LAUNCHD
	uninstall = farmhoundv1.FactKind_FACT_KIND_UNINSTALL_KEY
	signer    = farmhoundv1.FactKind_FACT_KIND_SIGNER
	port      = farmhoundv1.FactKind_FACT_KIND_PORT
	domain    = farmhoundv1.FactKind_FACT_KIND_DOMAIN
	iface     = farmhoundv1.FactKind_FACT_KIND_INTERFACE
	driver    = farmhoundv1.FactKind_FACT_KIND_DRIVER
	product   = farmhoundv1.FactKind_FACT_KIND_PRODUCT_NAME
	original  = farmhoundv1.FactKind_FACT_KIND_ORIGINAL_FILENAME
)

// kinds are the words of lines and how their values are read.
var kinds = map[string]func(*touches, string) error{
	"process":           (*touches).process,
	"session_process":   (*touches).process,
	"path":              (*touches).path,
	"package":           (*touches).pkg,
	"bundle_id":         (*touches).bundleID,
	"service":           (*touches).service,
	"launchd":           (*touches).launchd,
	"uninstall_key":     (*touches).uninstallKey,
	"signer":            (*touches).signer,
	"port":              (*touches).port,
	"domain":            (*touches).domain,
	"interface":         (*touches).iface,
	"driver":            (*touches).driver,
	"usb":               (*touches).usb,
	"edid":              (*touches).edid,
	"product_name":      (*touches).productName,
	"original_filename": (*touches).originalFilename,
}

// touches collects what the facts of one line touch.
type touches struct {
	reader *Reader
	os     farmhoundv1.OperatingSystem
	all    []touch
}

// touch is a touched fact with what the sighting makes of its strength.
type touch struct {
	entry    *farmhoundv1.Entry
	fact     *farmhoundv1.Fact
	strength farmhoundv1.Strength
}

// seen looks one form of a value up exactly and loosely.
func (t *touches) seen(kind farmhoundv1.FactKind, value string) { t.look(kind, value, false) }

// derived looks up what a value only lets expect: a folder for a package, an
// application for its program. It supports and does not identify.
func (t *touches) derived(kind farmhoundv1.FactKind, value string) { t.look(kind, value, true) }

func (t *touches) look(kind farmhoundv1.FactKind, value string, derived bool) {
	if value == "" {
		return
	}
	found := t.reader.catalog.AppendTouched(nil, t.os, catalog.Fact{Kind: kind, Value: value})
	if key := looseKey(kind, value); key != "" {
		for _, one := range t.reader.loose[kind][key] {
			// Who signs on one system signs on the others.
			if os := one.Fact.GetOs(); os == t.os || os == 0 || kind == signer {
				found = append(found, one)
			}
		}
	}
	t.take(found, derived)
}

func (t *touches) take(found []catalog.Touch, derived bool) {
	for _, one := range found {
		strength := one.Fact.GetStrength()
		if derived && strength == identifying {
			strength = supporting
		}
		t.all = append(t.all, touch{one.Entry, one.Fact, strength})
	}
}

// looseIndex finds facts whose spelling varies by what is left of it.
func looseIndex(c *catalog.Catalog) map[farmhoundv1.FactKind]map[string][]catalog.Touch {
	index := map[farmhoundv1.FactKind]map[string][]catalog.Touch{}
	for _, e := range c.Entries() {
		for _, f := range e.GetFacts() {
			kind := f.GetKind()
			if kind == session {
				kind = process
			}
			value := f.GetValue()
			if kind == uninstall {
				value = strings.TrimSuffix(value, "*") // also without a version
			}
			key := looseKey(kind, value)
			if key == "" || strings.Contains(value, "*") {
				continue
			}
			if index[kind] == nil {
				index[kind] = map[string][]catalog.Touch{}
			}
			index[kind][key] = append(index[kind][key], catalog.Touch{Entry: e, Fact: f})
		}
	}
	return index
}

// looseKey brings a value to what two spellings of it have in common, empty for
// kinds that are compared exactly.
func looseKey(kind farmhoundv1.FactKind, value string) string {
	switch kind {
	case process:
		return strings.ToLower(value)
	case service:
		if strings.HasSuffix(value, "@") {
			return "" // a template is not the service of its name
		}
		return lettersOf(value)
	case signer:
		for range 2 { // Co., Ltd.
			value = legalForm.ReplaceAllString(value, "")
		}
		return lettersOf(value)
	case uninstall, product, original, pkg, bundleID, launchd:
		return lettersOf(value)
	}
	return ""
}

// lettersOf leaves letters and digits, in lower case.
func lettersOf(value string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, value)
}

var portForm = regexp.MustCompile(`^(?:(?i:tcp|udp)[/: ])?(?:.*:)?(\d{1,5})(?:/(?i:tcp|udp)6?)?$`)

// port takes a number, also with protocol or address: 5938/tcp, 0.0.0.0:5938.
func (t *touches) port(value string) error {
	m := portForm.FindStringSubmatch(value)
	if m == nil {
		return fmt.Errorf("%q is no port", short(value))
	}
	number, err := strconv.ParseUint(m[1], 10, 16)
	if err != nil || number == 0 {
		return fmt.Errorf("%q is no port", short(value))
	}
	t.seen(port, strconv.FormatUint(number, 10))
	return nil
}

// domain takes a name, also within an address, with a port, or with *. before it.
func (t *touches) domain(value string) error {
	if strings.Contains(value, "://") {
		u, err := url.Parse(value)
		if err != nil || u.Hostname() == "" {
			return fmt.Errorf("%q names no host", short(value))
		}
		value = u.Hostname()
	}
	value, _, _ = strings.Cut(value, "/")
	if host, _, found := strings.Cut(value, ":"); found && !strings.Contains(host, "[") {
		value = host
	}
	value = strings.Trim(strings.ToLower(value), ".")
	if value == "" || strings.ContainsAny(value, " \t") {
		return errors.New("names no host")
	}
	t.seen(domain, value)
	t.derived(domain, "*."+value) // the parent of names that are in the catalogue
	return nil
}

// iface takes a name, also as ip link shows it: wg0@if2:.
func (t *touches) iface(value string) error {
	if module, found := strings.CutPrefix(value, "kernel_module="); found {
		return t.driver(module)
	}
	value = strings.TrimSuffix(value, ":")
	value, _, _ = strings.Cut(value, "@")
	t.seen(iface, value)
	return nil
}

func (t *touches) driver(value string) error {
	t.seen(driver, value)
	t.seen(driver, strings.TrimSuffix(strings.TrimSuffix(value, ".ko"), ".sys"))
	return nil
}
