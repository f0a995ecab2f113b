package fleet

import (
	"cmp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// quote makes words that came from a device safe to stand in a sentence: one
// line, bounded, printable ASCII and letters only, in quotation marks.
func quote(s string) string {
	const most = 64
	if len(s) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return strconv.QuoteToGraphic(s)
}

// toolName returns the catalogue's name for an id, or the id.
func (f *Fleet) toolName(id string) string {
	if e, ok := f.entry(id); ok && e.GetName() != "" {
		return e.GetName()
	}
	return id
}

func (f *Fleet) entry(id string) (*farmhoundv1.Entry, bool) {
	if f.cfg.Catalog == nil {
		return nil, false
	}
	return f.cfg.Catalog.Entry(id)
}

// category returns an entry's category as the catalogue's source writes it.
func (f *Fleet) category(id string) string {
	e, ok := f.entry(id)
	if !ok || e.GetCategory() == farmhoundv1.Category_CATEGORY_UNSPECIFIED {
		return ""
	}
	name := strings.TrimPrefix(e.GetCategory().String(), "CATEGORY_")
	return strings.ToLower(strings.ReplaceAll(name, "_", "-"))
}

func stamp(unix int64) *timestamppb.Timestamp {
	if unix == 0 {
		return nil
	}
	return timestamppb.New(time.Unix(unix, 0))
}

// compare orders anything ordered; a short name for where it is said often.
func compare[T cmp.Ordered](a, b T) int { return cmp.Compare(a, b) }

func ptr[T any](v T) *T { return &v }
