package rpmdb

import (
	"bytes"
	"encoding/binary"
)

// Tags and types of rpm's headers.
const (
	tagName    = 1000
	tagVersion = 1001
	tagRelease = 1002
	typeString = 6

	entrySize  = 16
	maxEntries = 4096
)

// header is what is read of one package's header. The version has the release in it.
type header struct{ name, version string }

// parseHeader reads a header as databases hold it, without the magic that it has in
// packages. The blob may be cut at its end.
func parseHeader(blob []byte) (header, bool) {
	if len(blob) < 8 {
		return header{}, false
	}
	entries := binary.BigEndian.Uint32(blob)
	if entries == 0 || entries > maxEntries || len(blob) < 8+int(entries)*entrySize {
		return header{}, false
	}
	index, data := blob[8:8+entries*entrySize], blob[8+entries*entrySize:]
	var h header
	var release string
	for ; len(index) > 0; index = index[entrySize:] {
		if binary.BigEndian.Uint32(index[4:]) != typeString {
			continue
		}
		switch binary.BigEndian.Uint32(index) {
		case tagName:
			h.name = text(data, binary.BigEndian.Uint32(index[8:]))
		case tagVersion:
			h.version = text(data, binary.BigEndian.Uint32(index[8:]))
		case tagRelease:
			release = text(data, binary.BigEndian.Uint32(index[8:]))
		}
	}
	if h.version != "" && release != "" {
		h.version += "-" + release
	}
	return h, h.name != ""
}

// text is the string that begins at an offset; empty where it has no end.
func text(data []byte, offset uint32) string {
	if uint64(offset) >= uint64(len(data)) {
		return ""
	}
	data = data[offset:]
	const longest = 512
	end := bytes.IndexByte(data[:min(len(data), longest)], 0)
	return string(data[:max(end, 0)])
}
