// Package lives holds tests of what the identity of a laptop lives through, with
// both real sides: acknowledgements that are lost, spools that are trimmed, images
// and stores that are restored, a state folder that is copied, sleep beyond the end
// of the certificate, and a new CA. Hours pass in synthetic time.
//
// It has no code but that of its tests.
package lives
