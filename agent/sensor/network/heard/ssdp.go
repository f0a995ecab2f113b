package heard

import "bytes"

// parseSSDP reads a packet of the Simple Service Discovery Protocol. It is ok for an
// announcement, which begins with NOTIFY; a search is after others, and is not read.
// Its headers name the server's program, as "Linux/5.4 UPnP/1.0 PiKVM/3".
func parseSSDP(packet []byte) (kind Kind, ok bool) {
	line, rest, more := bytes.Cut(packet, []byte("\n"))
	if !bytes.HasPrefix(line, []byte("NOTIFY * HTTP/1.")) {
		return Other, false
	}
	for n := 0; more && n < mostRecords; n++ {
		line, rest, more = bytes.Cut(rest, []byte("\n"))
		name, value, colon := bytes.Cut(line, []byte(":"))
		if !colon {
			continue
		}
		value = bytes.TrimSpace(value)
		switch {
		case bytes.EqualFold(name, []byte("NTS")) && bytes.EqualFold(value, []byte("ssdp:byebye")):
			return Other, false // who says goodbye is not there
		case bytes.EqualFold(name, []byte("SERVER")):
			kind = max(kind, serverKind(value))
		}
	}
	return kind, true
}

// serverKind returns the kind of the products that a server header lists.
func serverKind(value []byte) (kind Kind) {
	for product := range bytes.FieldsSeq(value) {
		name, _, _ := bytes.Cut(product, []byte("/"))
		kind = max(kind, hostKind(string(name)))
	}
	return kind
}
