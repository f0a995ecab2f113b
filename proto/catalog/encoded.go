package catalog

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"sync/atomic"
	"weak"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	farmhoundv1 "github.com/farmhound-security/farmhound/proto/farmhound/v1"
)

// encoded has the bytes of a catalogue; they must not be changed.
type encoded interface{ bytes() []byte }

// plain are bytes as they are.
type plain []byte

func (p plain) bytes() []byte { return p }

// packed are bytes that are a third as many compressed, unpacked when they are needed
// and kept for as long as the collector of garbage leaves them.
type packed struct {
	gz string

	mu   sync.Mutex
	kept weak.Pointer[[]byte]
}

func (p *packed) bytes() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if b := p.kept.Value(); b != nil {
		return *b
	}
	b, err := Unpack(strings.NewReader(p.gz))
	if err != nil {
		panic("built-in catalogue: " + err.Error()) // part of the program
	}
	p.kept = weak.Make(&b)
	return b
}

// Pack compresses encoded bytes into the form that is part of the program.
func Pack(encoded []byte) ([]byte, error) {
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(encoded)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("pack catalogue: %w", err)
	}
	return b.Bytes(), nil
}

// Unpack returns the encoded bytes. More than MaxSize of them are an error.
func Unpack(r io.Reader) ([]byte, error) {
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("unpack catalogue: %w", err)
	}
	b, err := io.ReadAll(io.LimitReader(z, MaxSize+1))
	if err != nil {
		return nil, fmt.Errorf("unpack catalogue: %w", err)
	}
	if len(b) > MaxSize {
		return nil, fmt.Errorf("unpack catalogue: more than %d bytes", MaxSize)
	}
	return b, nil
}

// span is where an entry lies in the encoded bytes.
type span struct{ from, to uint32 }

// open makes a catalogue of bytes that are known to be good.
func open(e encoded) (*Catalog, error) {
	b := e.bytes()
	c := &Catalog{digest: Digest(b), encoded: e}
	var rest farmhoundv1.Catalog // all but the entries
	for at := 0; at < len(b); {
		number, kind, tag := protowire.ConsumeTag(b[at:])
		if tag < 0 {
			return nil, protowire.ParseError(tag)
		}
		length := protowire.ConsumeFieldValue(number, kind, b[at+tag:])
		if length < 0 {
			return nil, protowire.ParseError(length)
		}
		if number == entriesField && kind == protowire.BytesType {
			_, header := protowire.ConsumeVarint(b[at+tag:])
			c.spans = append(c.spans, span{uint32(at + tag + header), uint32(at + tag + length)}) //nolint:gosec // MaxSize bounds them
		} else if err := (proto.UnmarshalOptions{Merge: true}).Unmarshal(b[at:at+tag+length], &rest); err != nil {
			return nil, err
		}
		at += tag + length
	}
	if len(c.spans) > 1<<15 {
		return nil, errors.New("more entries than can be indexed")
	}
	if rest.GetIssuedAt() != nil {
		c.issued = rest.GetIssuedAt().AsTime()
	}
	c.ids = make([]string, len(c.spans))
	for i := range c.spans {
		c.ids[i] = idOf(b[c.spans[i].from:c.spans[i].to])
	}
	c.entries = make([]atomic.Pointer[farmhoundv1.Entry], len(c.spans))
	for i := range c.systems {
		c.systems[i] = sync.OnceValue(func() *index { return newIndex(c, farmhoundv1.OperatingSystem(i)) })
	}
	c.hardware = sync.OnceValue(func() *hardware { return newHardware(c) })
	return c, nil
}

// entriesField is the number of Catalog.entries, idField that of Entry.id.
const (
	entriesField = 2
	idField      = 1
)

// idOf returns the id of an entry, without decoding the rest. The last one counts.
func idOf(entry []byte) (id string) {
	for at := 0; at < len(entry); {
		number, kind, tag := protowire.ConsumeTag(entry[at:])
		length := protowire.ConsumeFieldValue(number, kind, entry[at+max(tag, 0):])
		if tag < 0 || length < 0 {
			return id // it was decoded as a whole before
		}
		if number == idField && kind == protowire.BytesType {
			value, _ := protowire.ConsumeBytes(entry[at+tag:])
			id = string(value)
		}
		at += tag + length
	}
	return id
}

// entry returns an entry, decoded once.
func (c *Catalog) entry(i int) *farmhoundv1.Entry {
	if e := c.entries[i].Load(); e != nil {
		return e
	}
	c.entries[i].CompareAndSwap(nil, c.decode(c.encoded.bytes(), i))
	return c.entries[i].Load()
}

// decode decodes an entry of bytes that were decoded as a whole before.
func (c *Catalog) decode(b []byte, i int) *farmhoundv1.Entry {
	e := new(farmhoundv1.Entry)
	if err := proto.Unmarshal(b[c.spans[i].from:c.spans[i].to], e); err != nil {
		panic("catalogue that was checked: " + err.Error())
	}
	return e
}

func (c *Catalog) fact(ref reference) *farmhoundv1.Fact {
	return c.entry(int(ref.entry)).GetFacts()[ref.fact]
}
