package software

import (
	"slices"
	"strings"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"github.com/farmhound-security/farmhound/proto/fleetkey"
)

// maxTenants bounds the installations of one tool that are told apart.
const maxTenants = 8

// tenantOf returns the id of the tenant or installation in what a name adds to the
// catalogue's stem: "ScreenConnect Client (0123456789abcdef)" carries the id of the
// server that made the client, which is the same on every laptop of one company. Empty
// where there is none; versions have dots, and dates no letters.
func tenantOf(added string) string {
	added = strings.ToLower(added)
	for added != "" {
		end := strings.IndexFunc(added, func(c rune) bool { return (c < '0' || c > '9') && (c < 'a' || c > 'z') })
		word := added
		if end >= 0 {
			word = added[:end]
		}
		hexadecimal := strings.Trim(word, "0123456789abcdef") == ""
		switch {
		case !hexadecimal:
		case len(word) == 16, len(word) == 32:
			return word
		case len(word) == 8 && strings.ContainsAny(word, "abcdef") && (end < 0 || added[end] != '-'): // else it begins a GUID
			return word
		}
		if end < 0 {
			break
		}
		added = added[end+1:]
	}
	return ""
}

// noteTenant notes the tenant in the name of a service, job or application that touched
// a fact whose ending is free.
func (i *installation) noteTenant(f *farmhoundv1.Fact, name string) {
	switch f.GetKind() {
	case farmhoundv1.FactKind_FACT_KIND_SERVICE, farmhoundv1.FactKind_FACT_KIND_LAUNCHD, farmhoundv1.FactKind_FACT_KIND_UNINSTALL_KEY:
	default:
		return
	}
	stem, free := strings.CutSuffix(f.GetValue(), "*")
	if !free || len(name) <= len(stem) {
		return
	}
	if id := tenantOf(name[len(stem):]); id != "" && !slices.Contains(i.tenants, id) && len(i.tenants) < maxTenants {
		i.tenants = append(i.tenants, id)
	}
}

// tellTenants adds the installations of a tool, hashed; without keys none.
func tellTenants(out *farmhoundv1.Tool, tenants []string, keys fleetkey.Ring) {
	for n, id := range slices.Sorted(slices.Values(tenants)) {
		sum, key, ok := keys.Hash(fleetkey.InstallationID, []byte(id))
		if !ok {
			return
		}
		if n > 0 {
			out.OtherInstallationHashes = append(out.OtherInstallationHashes, sum)
			continue
		}
		out.InstallationHash, out.KeyId = sum, key
		out.EarlierInstallations = keys.Earlier(fleetkey.InstallationID, []byte(id))
	}
}
