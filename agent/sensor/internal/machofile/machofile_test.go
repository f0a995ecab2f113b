package machofile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"
)

// be and le are numbers of 32 bits, as signatures and programs have them.
func be(numbers ...uint32) (out []byte) {
	for _, n := range numbers {
		out = binary.BigEndian.AppendUint32(out, n)
	}
	return out
}

func le(numbers ...uint32) (out []byte) {
	for _, n := range numbers {
		out = binary.LittleEndian.AppendUint32(out, n)
	}
	return out
}

// directoryOf is a CodeDirectory of a version, laid out as XNU's cs_blobs.h has it.
func directoryOf(version, flags uint32, identifier, team string) []byte {
	const headSize = 52 // with teamOffset
	names := append([]byte(identifier), 0)
	teamAt := uint32(0)
	if team != "" {
		teamAt = headSize + uint32(len(names))
		names = append(append(names, team...), 0)
	}
	hashes := headSize + uint32(len(names))
	// magic, length, version, flags, hashOffset, identOffset, special and code slots,
	// codeLimit, sizes and kinds, spare, scatterOffset, teamOffset
	out := be(codeDirectory, hashes+32, version, flags, hashes, headSize, 0, 1, 4096, 0x20020c0c, 0, 0, teamAt)
	out = append(out, names...)
	return append(out, make([]byte, 32)...)
}

// thin is a program of 64 bits with a signature, and a segment before the command for it.
func thin(blobs ...[]byte) []byte {
	segment := append(le(0x19, 72), make([]byte, 64)...)
	commands := append(segment, le(0x1d, 16, 32+72+16, 0)...)
	var body []byte
	index := be(superBlob, 0, uint32(len(blobs)))
	for i, b := range blobs {
		kind := uint32(0)
		if i < len(blobs)-1 {
			kind = 2 // requirements go before the directory here
		}
		index = append(index, be(kind, uint32(12+8*len(blobs)+len(body)))...)
		body = append(body, b...)
	}
	signature := append(index, body...)
	binary.LittleEndian.PutUint32(commands[72+12:], uint32(len(signature)))
	out := le(magic64, 0x0100000c, 0, 2, 2, uint32(len(commands)), 0, 0)
	return append(append(out, commands...), signature...)
}

// fat puts programs into one file, as lipo does.
func fat(programs ...[]byte) []byte {
	out := be(fatMagic, uint32(len(programs)))
	at := 4096
	for range programs {
		out = append(out, be(0x0100000c, 0, uint32(at), 4096, 12)...)
		at += 4096
	}
	for i, p := range programs {
		out = append(out, make([]byte, (i+1)*4096-len(out))...)
		out = append(out, p...)
	}
	return out
}

func fat64(program []byte) []byte {
	out := be(fatMagic64, 1)
	out = append(out, be(0x0100000c, 0, 0, 64, 0, uint32(len(program)), 12, 0)...)
	return append(append(out, make([]byte, 64-len(out))...), program...)
}

func TestRead(t *testing.T) {
	t.Parallel()
	const withTeam, before = 0x20400, 0x20100
	anydesk := directoryOf(withTeam, 0x10000, "com.philandro.anydesk", "KU6W3B6JMZ")
	unsigned := append(le(magic64, 0x0100000c, 0, 2, 1, 72, 0, 0), append(le(0x19, 72), make([]byte, 64)...)...)
	old := thin(directoryOf(before, 0, "com.example.old", "NOTREAD000"))
	wide := append(le(magic32), thin(anydesk)[4:]...) // its head is four bytes shorter
	wide = append(wide[:28], wide[32:]...)
	binary.LittleEndian.PutUint32(wide[28+72+8:], 28+72+16)
	tests := map[string]struct {
		file []byte
		want Program
	}{
		"thin":               {thin(anydesk), Program{Identifier: "com.philandro.anydesk", Team: "KU6W3B6JMZ"}},
		"32 bits":            {wide, Program{Identifier: "com.philandro.anydesk", Team: "KU6W3B6JMZ"}},
		"other blobs":        {thin(be(0xfade0c01, 12, 0), anydesk), Program{Identifier: "com.philandro.anydesk", Team: "KU6W3B6JMZ"}},
		"fat":                {fat(thin(anydesk), thin(anydesk)), Program{Identifier: "com.philandro.anydesk", Team: "KU6W3B6JMZ"}},
		"fat, second signed": {fat(unsigned, thin(anydesk)), Program{Identifier: "com.philandro.anydesk", Team: "KU6W3B6JMZ"}},
		"fat of 64 bits":     {fat64(thin(anydesk)), Program{Identifier: "com.philandro.anydesk", Team: "KU6W3B6JMZ"}},
		"signed by nobody":   {thin(directoryOf(withTeam, 2, "a.out", "")), Program{Identifier: "a.out"}},
		"before teams":       {old, Program{Identifier: "com.example.old"}},
		"unsigned":           {unsigned, Program{}},
		"broken directory":   {thin([]byte("nothing of the sort, but long enough to be one. ....")), Program{}},
		"name of no end":     {thin(bytes.TrimRight(directoryOf(withTeam, 0, "x", ""), "\x00")), Program{}},
		"name of bytes":      {thin(directoryOf(withTeam, 0, "com.\xff", "")), Program{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := Read(bytes.NewReader(test.file))
			if err != nil || got != test.want {
				t.Errorf("got %+v and error %v, want %+v", got, err, test.want)
			}
		})
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	class := be(fatMagic, 0x00000041) // Java 21
	for name, file := range map[string][]byte{
		"nothing": nil, "text": []byte("#!/bin/sh\nexec true and more\n....."), "Java": append(class, make([]byte, 2000)...),
		"cut off": thin(directoryOf(0x20400, 0, "a", ""))[:40], "fat of nothing": be(fatMagic, 0),
		"many commands": le(magic64, 0x0100000c, 0, 2, 1, maxCommands+1, 0, 0),
	} {
		if got, err := Read(bytes.NewReader(file)); !errors.Is(err, errNotProgram) {
			t.Errorf("%s: got %+v and error %v", name, got, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	one := thin(directoryOf(0x20400, 0, "com.example.a", "TEAM000000"))
	f.Add(one)
	f.Add(fat(one, one))
	f.Add(fat64(one))
	f.Fuzz(func(t *testing.T, file []byte) {
		p, err := Read(bytes.NewReader(file))
		if err != nil && p != (Program{}) {
			t.Errorf("%+v beside error %v", p, err)
		}
		if len(p.Identifier) > maxName || len(p.Team) > maxName {
			t.Errorf("a name of %d bytes", max(len(p.Identifier), len(p.Team)))
		}
	})
}
