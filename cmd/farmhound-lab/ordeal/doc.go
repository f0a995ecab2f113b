// Package ordeal treats the real programs badly and checks that nothing that was
// promised is lost: it kills collectors and agents without warning, fills disks,
// damages stores and sends junk, while other agents go on reporting. It consists of
// tests; the README says how to run their long forms.
//
// The collector is the program cmd/farmhound-collector. An agent is a process of
// its own, this test's binary started again, that has the agent's real identity,
// spool and delivery and makes its reports up. What each agent was told goes into a
// ledger that neither side writes.
//
// Like the rest of the laboratory it may import both sides.
package ordeal
