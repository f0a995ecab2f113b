package sqlite

import (
	_ "embed"
	"errors"
	"fmt"

	"github.com/klauspost/compress/s2"
	"google.golang.org/protobuf/proto"
)

// A picture and a judgement are written with every report and say much that all of them
// say, and that their own last days said: packed they are about half as large, for a few
// microseconds. A byte goes before what is packed that says with which dictionary. No
// message begins with it, for its lowest field would have the number zero, so that what
// was stored before anything was packed is read as it is.

// dictionary1 are pictures and judgements of made-up laptops of every kind, one after
// another. One that has shipped is never changed, as what was packed with it could not be
// read any more.
//
//go:embed dictionary1.bin
var dictionary1 []byte

// dictionaries are all that ever were, by the byte that names them.
var dictionaries = map[byte]*s2.Dict{1: s2.MakeDict(dictionary1, nil)}

const (
	// latest is the dictionary that is packed with.
	latest = 1
	// firstTag is the least byte that a message can begin with.
	firstTag = 1 << 3
	// maxUnpacked bounds what a damaged file can make of a few bytes.
	maxUnpacked = 16 << 20
)

// pack encodes a message and packs it.
func pack(m proto.Message) ([]byte, error) {
	plain, err := proto.Marshal(m)
	if err != nil || len(plain) == 0 {
		return plain, err
	}
	packed := make([]byte, 1+s2.MaxEncodedLen(len(plain)))
	packed[0] = latest
	return append(packed[:1], dictionaries[latest].Encode(packed[1:], plain)...), nil
}

// unpack decodes what was stored, packed or not.
func unpack(stored []byte, into proto.Message) error {
	if len(stored) == 0 || stored[0] >= firstTag {
		return proto.Unmarshal(stored, into)
	}
	dictionary, ok := dictionaries[stored[0]]
	if !ok {
		return fmt.Errorf("it was packed with dictionary %d, which this collector does not have: a newer one wrote it", stored[0])
	}
	n, err := s2.DecodedLen(stored[1:])
	if err != nil {
		return err
	}
	if n > maxUnpacked {
		return errors.New("it is larger than anything that was packed")
	}
	plain, err := dictionary.Decode(nil, stored[1:])
	if err != nil {
		return err
	}
	return proto.Unmarshal(plain, into)
}
