package history

import _ "embed"

// dictionary is what most inputs have in common: those of made-up laptops of every
// kind, one after another. A version names it in what is packed; one that has shipped
// is never changed, as what was packed with it could not be read any more.
//
//go:embed dictionary1.bin
var dictionary1 []byte

// dictionaries are all that ever were, by version.
var dictionaries = map[byte][]byte{plain: nil, 1: dictionary1}

const (
	// plain is the version without a dictionary, latest that which inputs are packed with.
	plain  = 0
	latest = 1
)
