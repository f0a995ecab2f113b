package ingest

import (
	"fmt"
	"math"

	"github.com/farmhound-security/farmhound/collector/fleet"
)

// check says whether a batch is what Report takes. The schema's rules do not look
// across reports, and a sequence out of order would be mistaken for a redelivery
// and lost.
func check(batch []fleet.Observation) error {
	first, last := batch[0], uint64(0)
	for i, o := range batch {
		switch sequence := o.Report.GetSequence(); {
		case o.Device == "" || o.Report == nil:
			return fmt.Errorf("%w: report %d names no device or is missing", ErrBatch, i+1)
		case o.Device != first.Device:
			return fmt.Errorf("%w: report %d is of another device than the first", ErrBatch, i+1)
		case o.Report.GetBootId() == "" || o.Report.GetBootId() != first.Report.GetBootId():
			return fmt.Errorf("%w: report %d is of another boot than the first, or of none", ErrBatch, i+1)
		case sequence == 0 || sequence > math.MaxInt64:
			return fmt.Errorf("%w: report %d has the sequence %d, which no agent counts to", ErrBatch, i+1, sequence)
		case sequence <= last:
			return fmt.Errorf("%w: report %d has the sequence %d after %d", ErrBatch, i+1, sequence, last)
		default:
			last = sequence
		}
	}
	return nil
}

// unseen returns the end of a checked batch that is above the highest committed
// sequence.
func unseen(batch []fleet.Observation, highest uint64) []fleet.Observation {
	for i, o := range batch {
		if o.Report.GetSequence() > highest {
			return batch[i:]
		}
	}
	return nil
}
