package api_test

import "testing"

func TestRoundTripOfADirectConnectionIsMeasured(t *testing.T) {
	t.Parallel()
	c := start(t)
	must(t, c.enrolled(t).report())
	got := c.commit.committed()[0][0]
	if got.PeerRTTMillis <= 0 || got.PeerRTTMillis > 10_000 || got.PeerMSS < 500 {
		t.Errorf("round trip %v ms, segment size %d", got.PeerRTTMillis, got.PeerMSS)
	}
}
