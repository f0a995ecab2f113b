package network

import (
	"bytes"
	"encoding/binary"
)

// dconf keeps settings in GVDB files: a header that names the bytes of a hash table,
// whose items name their parent, so that a key's path is read from its end.
const (
	gvdbHeader = 24
	gvdbItem   = 24
	// mostItems bounds the items that are looked at.
	mostItems = 1 << 16
	// deepestItem bounds the parents of one.
	deepestItem = 16
)

// gvdbString returns the string that a GVDB file has under a key. It is not ok where
// the file is broken; a key that is not there is an empty string.
func gvdbString(file []byte, key string) (value string, ok bool) {
	little := binary.LittleEndian
	if len(file) < gvdbHeader || string(file[:8]) != "GVariant" || little.Uint32(file[8:]) != 0 {
		return "", false
	}
	table, ok := gvdbPart(file, file[16:])
	if !ok || len(table) < 8 {
		return "", false
	}
	bloom, buckets := uint64(little.Uint32(table)&(1<<27-1)), uint64(little.Uint32(table[4:]))
	start := 8 + 4*(bloom+buckets)
	if start > uint64(len(table)) {
		return "", false
	}
	items := gvdbItems{file, table[start:]}
	for i := range min(items.count(), mostItems) {
		item := items.at(i)
		if item[14] != 'v' || !items.named(i, key) {
			continue
		}
		data, ok := gvdbPart(file, item[16:])
		if !ok {
			return "", false
		}
		// A variant holding a string: the string, a zero, another, and the type.
		if text, more := bytes.CutSuffix(data, []byte("\x00\x00s")); more {
			return string(text), true
		}
		return "", false
	}
	return "", true
}

// gvdbPart returns the bytes that a pointer, start and end, names.
func gvdbPart(file, pointer []byte) ([]byte, bool) {
	from, to := binary.LittleEndian.Uint32(pointer), binary.LittleEndian.Uint32(pointer[4:])
	if from > to || uint64(to) > uint64(len(file)) {
		return nil, false
	}
	return file[from:to], true
}

type gvdbItems struct{ file, table []byte }

func (t gvdbItems) count() int { return len(t.table) / gvdbItem }

// at returns an item: hash, parent, start and length of its part of the key, type,
// a spare byte, pointer to the value.
func (t gvdbItems) at(i int) []byte { return t.table[i*gvdbItem : (i+1)*gvdbItem] }

// named reports whether an item, with its parents before it, has a key.
func (t gvdbItems) named(i int, key string) bool {
	const root = ^uint32(0)
	for range deepestItem {
		item := t.at(i)
		from, size := uint64(binary.LittleEndian.Uint32(item[8:])), uint64(binary.LittleEndian.Uint16(item[12:]))
		if from+size > uint64(len(t.file)) || size > uint64(len(key)) {
			return false
		}
		own := t.file[from : from+size]
		if key[len(key)-len(own):] != string(own) {
			return false
		}
		key = key[:len(key)-len(own)]
		parent := binary.LittleEndian.Uint32(item[4:])
		if parent == root {
			return key == ""
		}
		if i = int(parent); i >= t.count() {
			return false
		}
	}
	return false
}
