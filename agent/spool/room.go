package spool

import (
	"go.etcd.io/bbolt"
)

// slack is the part of the cap that is freed at once when the spool is full, so
// that not every report that follows has to look through all that waits.
const slack = 16

// expire removes the oldest reports that were appended before a time, in Unix seconds.
func expire(tx *bbolt.Tx, next *Status, before int64) (int, error) {
	expired := 0
	cursor := tx.Bucket(reportsBucket).Cursor()
	for key, data := cursor.First(); key != nil; key, data = cursor.First() {
		_, at, _, err := stamp(data)
		if err != nil {
			return 0, err
		}
		if at == 0 || at >= before {
			break
		}
		next.forget(data)
		if err := cursor.Delete(); err != nil {
			return 0, err
		}
		expired++
	}
	return expired, addDropped(tx, next, uint64(expired))
}

// makeRoom evicts until a report of a size and value fits: of the least value first,
// the oldest of it first, and none of more value than the report's. It evicts
// nothing when that would not be enough.
func (s *Spool) makeRoom(tx *bbolt.Tx, next *Status, size int64, worth Value) (int, error) {
	need := int64(next.Bytes) + size - s.maxBytes
	if need <= 0 {
		return 0, nil
	}
	reports := tx.Bucket(reportsBucket)
	var held [High + 1]int64
	err := reports.ForEach(func(_, data []byte) error {
		value, _, _, err := stamp(data)
		held[value] += int64(len(data))
		return err
	})
	if err != nil {
		return 0, err
	}
	var evictable int64
	for value := Low; value <= worth; value++ {
		evictable += held[value]
	}
	if evictable < need {
		return 0, nil
	}
	evicted, goal := 0, max(need, s.maxBytes/slack)
	for value := Low; value <= worth && need > 0; value++ {
		// More than is needed goes of the least value only.
		goal = max(min(goal, held[value]), need)
		count, freed, err := evict(reports, next, value, goal)
		if err != nil {
			return 0, err
		}
		evicted += count
		need -= freed
		goal = need
	}
	return evicted, addDropped(tx, next, uint64(evicted))
}

// evict removes the oldest reports of one value until so many bytes are free.
func evict(reports *bbolt.Bucket, next *Status, of Value, goal int64) (count int, freed int64, err error) {
	var keys [][]byte
	cursor := reports.Cursor()
	for key, data := cursor.First(); key != nil && freed < goal; key, data = cursor.Next() {
		value, _, _, err := stamp(data)
		if err != nil {
			return 0, 0, err
		}
		if value != of {
			continue
		}
		next.forget(data)
		freed += int64(len(data))
		keys = append(keys, key)
	}
	// A cursor is not sure of its place after a deletion.
	for _, key := range keys {
		if err := reports.Delete(key); err != nil {
			return 0, 0, err
		}
	}
	return len(keys), freed, nil
}
