// Package history packs what a verdict was judged on into a row of a device's history,
// and tells whether what is judged again from it is what was concluded then.
//
// It may import proto/ only.
package history

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"sync"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	fleetv1 "github.com/farmhound-security/farmhound/proto/farmhound/fleet/v1"
)

// The occasions of a row.
const (
	DayEnd = "day_end"
	Change = "change"
)

const (
	// maxUnpacked bounds what is unpacked, in bytes.
	maxUnpacked = 16 << 20
	// fingerprintSize is how much of a hash is kept.
	fingerprintSize = 8
)

// Past returns the row of an assessment, without its basis.
func Past(occasion string, a *fleetv1.Assessment, at, judged *timestamppb.Timestamp) (*fleetv1.PastVerdict, error) {
	fingerprint, err := Fingerprint(a)
	if err != nil {
		return nil, err
	}
	return &fleetv1.PastVerdict{
		At: at, Occasion: occasion, JudgedAt: judged,
		Verdict: a.GetVerdict(), Kind: a.GetKind(), Risk: a.GetRisk(), HostedRisk: a.GetHostedRisk(), DisplacedRisk: a.GetDisplacedRisk(),
		Fingerprint: fingerprint,
	}, nil
}

// Fingerprint returns what equal assessments have in common.
func Fingerprint(a *fleetv1.Assessment) ([]byte, error) {
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(a)
	if err != nil {
		return nil, fmt.Errorf("encode the assessment of %s: %w", a.GetDevice(), err)
	}
	sum := sha256.Sum256(text)
	return sum[:fingerprintSize], nil
}

// PackInputs returns inputs as they are kept.
func PackInputs(in *fleetv1.VerdictInputs) ([]byte, error) {
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("encode what a verdict was judged on: %w", err)
	}
	return pack(text, latest)
}

// UnpackInputs returns what PackInputs packed.
func UnpackInputs(packed []byte) (*fleetv1.VerdictInputs, error) {
	text, err := Unpack(packed)
	if err != nil {
		return nil, fmt.Errorf("unpack what a verdict was judged on: %w", err)
	}
	in := &fleetv1.VerdictInputs{}
	if err := proto.Unmarshal(text, in); err != nil {
		return nil, fmt.Errorf("decode what a verdict was judged on: %w", err)
	}
	return in, nil
}

// Pack returns content as it is kept.
func Pack(content []byte) ([]byte, error) { return pack(content, plain) }

// packers are writers with the dictionaries that are packed with: making one takes far
// longer than packing.
var packers = map[byte]*sync.Pool{plain: packersOf(plain), latest: packersOf(latest)}

func packersOf(version byte) *sync.Pool {
	return &sync.Pool{New: func() any {
		w, _ := flate.NewWriterDict(io.Discard, flate.DefaultCompression, dictionaries[version]) // errs for levels that there are not
		return w
	}}
}

// pack writes the version of the dictionary, and what is left of a text with it.
func pack(text []byte, version byte) ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte(version)
	w := packers[version].Get().(*flate.Writer)
	defer packers[version].Put(w)
	w.Reset(&out)
	_, err := w.Write(text)
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("pack: %w", err)
	}
	return out.Bytes(), nil
}

// Unpack returns what was packed.
func Unpack(packed []byte) ([]byte, error) {
	if len(packed) == 0 {
		return nil, errors.New("there is nothing")
	}
	known, ok := dictionaries[packed[0]]
	if !ok {
		return nil, fmt.Errorf("it was packed with dictionary %d, which this collector does not have: a newer one wrote it", packed[0])
	}
	text, err := io.ReadAll(io.LimitReader(flate.NewReaderDict(bytes.NewReader(packed[1:]), known), maxUnpacked+1))
	switch {
	case err != nil:
		return nil, err
	case len(text) > maxUnpacked:
		return nil, errors.New("it is larger than anything that was packed")
	}
	return text, nil
}
