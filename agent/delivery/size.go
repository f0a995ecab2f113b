package delivery

import (
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// sizeRefusal is whether a call failed because it carried too much.
type sizeRefusal int

const (
	otherFailure sizeRefusal = iota
	// perhapsTooLarge is a shortage of something at the collector, or on the way to it,
	// of which it is not said that it passes.
	perhapsTooLarge
	// tooLarge is a message that is larger than this end, the other, or one between
	// them takes.
	tooLarge
)

// refusedSize tells a refusal for size from others. gRPC has one code for both size
// and load; a collector under load says when to come back.
func refusedSize(err error) sizeRefusal {
	if status.Code(err) != codes.ResourceExhausted || hint(err) > 0 {
		return otherFailure
	}
	// gRPC's words for it, the same at either end, before and after decompression.
	if strings.Contains(status.Convert(err).Message(), "larger than max") {
		return tooLarge
	}
	return perhapsTooLarge
}
