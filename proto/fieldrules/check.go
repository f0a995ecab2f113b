package fieldrules

import (
	"math"
	"strconv"
	"unicode/utf8"

	"google.golang.org/protobuf/reflect/protoreflect"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// shownValue bounds how much of a hostile value an error shows, in bytes.
const shownValue = 24

// Times outside these are no observation: before the Unix epoch and from the
// year 2200 on.
const (
	firstSecond = 0
	lastSecond  = 7258118399
	// longestDuration is the protobuf limit, about 10,000 years.
	longestDuration = 315576000000
)

func (m *message) check(value protoreflect.Message, depth int) *Violation {
	if depth > maxDepth {
		return violation("nested more than %d deep", maxDepth)
	}
	if m.checkTime != nil {
		return m.checkTime(value)
	}
	for i := range m.fields {
		if problem := m.fields[i].checkIn(value, depth); problem != nil {
			return problem
		}
	}
	return nil
}

func (f *field) checkIn(m protoreflect.Message, depth int) *Violation {
	present := m.Has(f.descriptor)
	if !present {
		if f.required {
			return violation("is required").in(f.name)
		}
		// A number without presence is always there: zero must be in range.
		if f.presence || f.repeated || f.check == nil {
			return nil
		}
	}
	if f.repeated {
		return f.checkList(m.Get(f.descriptor).List(), depth)
	}
	if !present && isLong(f.descriptor.Kind()) {
		return nil
	}
	if problem := f.checkOne(m.Get(f.descriptor), depth); problem != nil {
		return problem.in(f.name)
	}
	return nil
}

func (f *field) checkList(list protoreflect.List, depth int) *Violation {
	length := list.Len()
	if length > f.maxItems {
		return violation("has %d items, more than %d", length, f.maxItems).in(f.name)
	}
	if f.check == nil && f.nested == nil {
		return nil
	}
	for i := range length {
		if problem := f.checkOne(list.Get(i), depth); problem != nil {
			return problem.at(f.name, i)
		}
	}
	return nil
}

func (f *field) checkOne(value protoreflect.Value, depth int) *Violation {
	switch {
	case f.nested != nil:
		return f.nested.check(value.Message(), depth+1)
	case f.check != nil:
		return f.check(value)
	default:
		return nil
	}
}

func isLong(kind protoreflect.Kind) bool {
	return kind == protoreflect.StringKind || kind == protoreflect.BytesKind
}

func stringCheck(rules *farmhoundv1.FieldRules) func(protoreflect.Value) *Violation {
	low, high := int(rules.GetMinLength()), int(rules.GetMaxLength())
	class := rules.GetCharacters()
	return func(value protoreflect.Value) *Violation {
		text := value.String()
		if problem := checkLength(len(text), low, high); problem != nil {
			return problem
		}
		if !utf8.ValidString(text) {
			return violation("is not valid UTF-8: %s", shown(text))
		}
		if !Holds(class, text) {
			return violation("%s: %s", classProblem(class), shown(text))
		}
		return nil
	}
}

func bytesCheck(rules *farmhoundv1.FieldRules) func(protoreflect.Value) *Violation {
	low, high := int(rules.GetMinLength()), int(rules.GetMaxLength())
	return func(value protoreflect.Value) *Violation {
		return checkLength(len(value.Bytes()), low, high)
	}
}

func checkLength(length, low, high int) *Violation {
	if length >= low && length <= high {
		return nil
	}
	if low == high {
		return violation("is %d bytes long, must be %d", length, high)
	}
	if length < low {
		return violation("is %d bytes long, shorter than %d", length, low)
	}
	return violation("is %d bytes long, longer than %d", length, high)
}

// numberCheck compares as float64; bounds in the schema are far below 2^53,
// where that would lose precision. It is nil where every value will do.
func numberCheck(kind protoreflect.Kind, rules *farmhoundv1.FieldRules) func(protoreflect.Value) *Violation {
	low, high := bounds(rules)
	var number func(protoreflect.Value) float64
	switch kind {
	case protoreflect.FloatKind, protoreflect.DoubleKind:
		return func(value protoreflect.Value) *Violation {
			n := value.Float()
			if math.IsNaN(n) || math.IsInf(n, 0) {
				return violation("is not a finite number")
			}
			return checkRange(n, low, high)
		}
	case protoreflect.BoolKind, protoreflect.EnumKind:
		return nil
	case protoreflect.Uint32Kind, protoreflect.Fixed32Kind, protoreflect.Uint64Kind, protoreflect.Fixed64Kind:
		number = func(value protoreflect.Value) float64 { return float64(value.Uint()) }
	default:
		number = func(value protoreflect.Value) float64 { return float64(value.Int()) }
	}
	if math.IsInf(low, -1) && math.IsInf(high, 1) {
		return nil
	}
	return func(value protoreflect.Value) *Violation { return checkRange(number(value), low, high) }
}

func checkRange(n, low, high float64) *Violation {
	switch {
	case n < low:
		return violation("is %s, below %s", plain(n), plain(low))
	case n > high:
		return violation("is %s, above %s", plain(n), plain(high))
	default:
		return nil
	}
}

func plain(n float64) string { return strconv.FormatFloat(n, 'g', -1, 64) }

func checkTimestamp(m protoreflect.Message) *Violation {
	seconds, nanos := timeParts(m)
	if seconds < firstSecond || seconds > lastSecond {
		return violation("is %d s after 1970, outside the years 1970 to 2199", seconds)
	}
	if nanos < 0 || nanos > 999_999_999 {
		return violation("has %d nanoseconds, outside one second", nanos)
	}
	return nil
}

func checkDuration(m protoreflect.Message) *Violation {
	seconds, nanos := timeParts(m)
	if seconds < -longestDuration || seconds > longestDuration {
		return violation("is %d s long, longer than 10,000 years", seconds)
	}
	if nanos < -999_999_999 || nanos > 999_999_999 {
		return violation("has %d nanoseconds, outside one second", nanos)
	}
	if seconds > 0 && nanos < 0 || seconds < 0 && nanos > 0 {
		return violation("has seconds and nanoseconds of different sign")
	}
	return nil
}

// timeParts reads a Timestamp or Duration, generated or dynamic: both have
// seconds as field 1 and nanos as field 2.
func timeParts(m protoreflect.Message) (seconds, nanos int64) {
	fields := m.Descriptor().Fields()
	return m.Get(fields.ByNumber(1)).Int(), m.Get(fields.ByNumber(2)).Int()
}

// shown quotes the beginning of a hostile value: escaped, ASCII only, bounded.
func shown(text string) string {
	if len(text) > shownValue {
		return strconv.QuoteToASCII(text[:shownValue]) + "..."
	}
	return strconv.QuoteToASCII(text)
}
