package plist

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// xmlList is a list in the XML form. Of XML it knows what Apple's own lists have:
// elements, text with the five entities and characters by number, comments, CDATA.
// Attributes are passed over.
type xmlList struct {
	budget
	rest []byte
}

// tag is one tag.
type tag struct {
	name             string
	closing, without bool // </name>, <name/>
}

func parseXML(data []byte) (Value, error) {
	l := xmlList{rest: bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))}
	if !utf8.Valid(data) {
		return nil, fmt.Errorf("%w: neither binary nor UTF-8", errNoList)
	}
	open, err := l.tag()
	if err != nil {
		return nil, err
	}
	if open.name != "plist" || open.closing || open.without {
		return nil, fmt.Errorf("%w: no plist element", errNoList)
	}
	if open, err = l.tag(); err != nil {
		return nil, err
	}
	return l.value(open, 0)
}

// tag reads the next tag. Nothing but white space and comments may stand before it.
func (l *xmlList) tag() (tag, error) {
	for {
		l.rest = bytes.TrimLeft(l.rest, " \t\r\n")
		switch {
		case bytes.HasPrefix(l.rest, []byte("<!--")):
			if !l.skip("-->") {
				return tag{}, fmt.Errorf("%w: a comment does not end", errNoList)
			}
		case bytes.HasPrefix(l.rest, []byte("<?")), bytes.HasPrefix(l.rest, []byte("<!DOCTYPE")):
			at := bytes.IndexByte(l.rest, '>')
			// A document type may define entities that grow without bound.
			if at < 0 || bytes.IndexByte(l.rest[:at], '[') >= 0 {
				return tag{}, fmt.Errorf("%w: a declaration that it does not have", errNoList)
			}
			l.rest = l.rest[at+1:]
		case bytes.HasPrefix(l.rest, []byte("<")):
			return l.element()
		default:
			return tag{}, fmt.Errorf("%w: text between elements", errNoList)
		}
	}
}

// element reads a tag that begins here.
func (l *xmlList) element() (tag, error) {
	const longest = 4096
	at := bytes.IndexByte(l.rest, '>')
	if at < 0 || at > longest {
		return tag{}, fmt.Errorf("%w: a tag does not end", errNoList)
	}
	inner := l.rest[1:at]
	l.rest = l.rest[at+1:]
	var t tag
	inner, t.closing = bytes.CutPrefix(inner, []byte("/"))
	inner, t.without = bytes.CutSuffix(inner, []byte("/"))
	name, _, _ := strings.Cut(strings.TrimSpace(string(inner)), " ")
	t.name = name
	return t, nil
}

// skip passes over everything up to a mark.
func (l *xmlList) skip(mark string) bool {
	_, rest, found := bytes.Cut(l.rest, []byte(mark))
	l.rest = rest
	return found
}

// value reads the value whose first tag has just been read.
func (l *xmlList) value(open tag, depth int) (Value, error) {
	if err := l.spend(depth, 0); err != nil {
		return nil, err
	}
	if open.closing {
		return nil, fmt.Errorf("%w: </%.16s> closes nothing", errNoList, open.name)
	}
	switch open.name {
	case "dict":
		return l.dict(open, depth)
	case "array":
		return l.array(open, depth)
	}
	text := ""
	if !open.without {
		var err error
		if text, err = l.text(open.name, depth); err != nil {
			return nil, err
		}
	}
	return scalarOf(open.name, text)
}

// scalarOf is the value of an element that holds text. What is not of its form is nil.
func scalarOf(name, text string) (Value, error) {
	switch name {
	case "string":
		return text, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "integer":
		if n, err := strconv.ParseInt(strings.TrimSpace(text), 0, 64); err == nil {
			return n, nil
		}
		if n, err := strconv.ParseUint(strings.TrimSpace(text), 0, 64); err == nil {
			return int64(n), nil
		}
	case "real":
		if f, err := strconv.ParseFloat(strings.TrimSpace(text), 64); err == nil {
			return f, nil
		}
	case "date":
		if t, err := time.Parse(time.RFC3339, strings.TrimSpace(text)); err == nil {
			return t.UTC(), nil
		}
	case "data":
		// Lines are broken and indented.
		if raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), "")); err == nil {
			return raw, nil
		}
	default:
		return nil, fmt.Errorf("%w: an element %.16q", errNoList, name)
	}
	return nil, nil
}

func (l *xmlList) dict(open tag, depth int) (Value, error) {
	dict := Dict{}
	for !open.without {
		key, err := l.tag()
		if err != nil {
			return nil, err
		}
		if key.closing && key.name == "dict" {
			break
		}
		if key.name != "key" || key.closing {
			return nil, fmt.Errorf("%w: a dictionary with a value but no key", errNoList)
		}
		name := ""
		if !key.without {
			if name, err = l.text("key", depth); err != nil {
				return nil, err
			}
		}
		first, err := l.tag()
		if err != nil {
			return nil, err
		}
		if dict[name], err = l.value(first, depth+1); err != nil {
			return nil, err
		}
	}
	return dict, nil
}

func (l *xmlList) array(open tag, depth int) (Value, error) {
	list := []Value{}
	for !open.without {
		first, err := l.tag()
		if err != nil {
			return nil, err
		}
		if first.closing && first.name == "array" {
			break
		}
		v, err := l.value(first, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, v)
	}
	return list, nil
}

// text reads up to the closing tag of an element that holds no other.
func (l *xmlList) text(name string, depth int) (string, error) {
	var out strings.Builder
	for {
		at := bytes.IndexByte(l.rest, '<')
		if at < 0 {
			return "", fmt.Errorf("%w: <%.16s> does not end", errNoList, name)
		}
		if err := unescape(&out, string(l.rest[:at])); err != nil {
			return "", err
		}
		l.rest = l.rest[at:]
		const begin, end = "<![CDATA[", "]]>"
		switch {
		case bytes.HasPrefix(l.rest, []byte(begin)):
			raw, rest, found := bytes.Cut(l.rest[len(begin):], []byte(end))
			if !found {
				return "", fmt.Errorf("%w: CDATA does not end", errNoList)
			}
			out.Write(raw)
			l.rest = rest
		case bytes.HasPrefix(l.rest, []byte("<!--")):
			if !l.skip("-->") {
				return "", fmt.Errorf("%w: a comment does not end", errNoList)
			}
		default:
			closing, err := l.element()
			if err != nil {
				return "", err
			}
			if !closing.closing || closing.name != name {
				return "", fmt.Errorf("%w: <%.16s> holds an element", errNoList, name)
			}
			return out.String(), l.spend(depth, out.Len())
		}
	}
}

// entities are those that XML has of itself.
var entities = map[string]rune{"lt": '<', "gt": '>', "amp": '&', "quot": '"', "apos": '\''}

func unescape(out *strings.Builder, text string) error {
	for {
		before, after, found := strings.Cut(text, "&")
		out.WriteString(before)
		if !found {
			return nil
		}
		name, rest, ended := strings.Cut(after, ";")
		r, known := entities[name]
		if digits, numbered := strings.CutPrefix(name, "#"); numbered {
			base := 10
			if hexadecimal, ok := strings.CutPrefix(digits, "x"); ok {
				digits, base = hexadecimal, 16
			}
			n, err := strconv.ParseUint(digits, base, 21)
			r, known = rune(n), err == nil
		}
		if !ended || !known {
			return fmt.Errorf("%w: an entity that it does not have", errNoList)
		}
		out.WriteRune(r)
		text = rest
	}
}
