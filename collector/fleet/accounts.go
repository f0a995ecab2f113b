package fleet

import "slices"

// accountPeople returns how many people's laptops one remote account controlled,
// for the account with most. One that controls a crowd is the company's own support.
func (f *Fleet) accountPeople(e *entry, today int64) uint32 {
	most := 0
	for k := range e.accounts {
		if !e.controlled(k, today) {
			continue
		}
		people := map[string]bool{e.people(): true}
		account := joint{kind: hashAccount, hash: k}
		group, _ := f.index.met(e.renames, account, awayWitnesses)
		for _, other := range group {
			if f.sharesAccount(e, other, account, today) {
				people[other.people()] = true
			}
		}
		most = max(most, len(people))
	}
	return uint32(most)
}

// sharesAccount says whether what another device reports of an account is evidence
// about this one: not where it did not control the other lately, where the two
// contradict each other about its names, and where the other knows it as a crowd's.
func (f *Fleet) sharesAccount(e, other *entry, account joint, today int64) bool {
	names := e.renames.named(account)
	for _, j := range names {
		if !slices.Contains(other.joints, j) || !other.controlled(j.hash, today) || !agree(e.renames, other.renames, j.hash) {
			continue
		}
		if !slices.ContainsFunc(other.renames.others(j), func(j joint) bool { return !slices.Contains(names, j) }) {
			return true
		}
		if _, crowded := f.index.met(other.renames, j, awayWitnesses); !crowded {
			return true
		}
	}
	return false
}
