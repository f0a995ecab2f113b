package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/farmhound-security/farmhound/agent"
	"github.com/farmhound-security/farmhound/agent/permission"
)

const (
	// clockTrouble is from when on a difference of clocks is worth a warning, and
	// clockFailure from when on certificates are at stake.
	clockTrouble = 5 * time.Minute
	clockFailure = 24 * time.Hour
	// silence is after how long without a delivery something is wrong: the agent sends
	// something every half hour at least.
	silence = 2 * time.Hour
	// staleness is how old a status may be to be believed of a running agent, which writes
	// one with every window at least.
	staleness = 2 * time.Hour
)

func (e *examination) checkService() {
	if e.Service == nil {
		return
	}
	c := Check{Step: "service", State: OK, Found: e.Service()}
	switch {
	case c.Found == "running":
	case c.Found == "not installed" && e.alive():
		c.State, c.Found = Warn, "not installed, but an agent runs"
		c.Means = "nobody may start it again with the laptop"
	case c.Found == "not installed":
		c.State, c.Means, c.Do = Fail, "nothing is observed", "run farmhound-agent install, then farmhound-agent start"
	case c.Found == "stopped" && !e.alive():
		c.State, c.Means, c.Do = Fail, "nothing is observed", "run farmhound-agent start"
	case e.alive():
		c.State, c.Found = Warn, c.Found+", and an agent runs"
	default:
		c.State, c.Means, c.Do = Warn, "whether anything is observed is unknown", "see what the system's service manager says"
	}
	e.add(c)
}

// alive reports whether the agent that wrote the status is still there, as far as that
// can be told: its number may be another process's after a crash.
func (e *examination) alive() bool {
	if e.status == nil || !e.status.Running || e.Now().Sub(e.status.WrittenAt).Abs() > staleness {
		return false
	}
	_, err := e.rightsOf(e.status.PID)
	return err == nil || errors.Is(err, fs.ErrPermission) // one that may not be looked at is there
}

func (e *examination) checkClock() {
	c := Check{Step: "clock", State: OK}
	offset := time.Duration(e.status.ClockOffset * float64(time.Second)).Round(time.Millisecond)
	switch size := offset.Abs(); {
	case e.status.LastAck.IsZero():
		c.State, c.Found = Skip, "not compared with the collector's yet"
	case size < clockTrouble:
		c.Found = fmt.Sprintf("%v off the collector's at the last delivery", size)
	default:
		c.State, c.Kind, c.Found = Warn, "clock", fmt.Sprintf("the collector's clock minus this laptop's was %v at the last delivery", offset)
		c.Means, c.Do = "what happened when is told with the wrong time", "let the laptop set its clock by the network"
		if size >= clockFailure {
			c.State, c.Means = Fail, "certificates count as expired or as not valid yet"
		}
	}
	e.add(c)
}

func (e *examination) checkDelivery() {
	s := e.status
	c := Check{Step: "delivery", State: OK}
	since := e.Now().Sub(s.LastAck).Round(time.Second)
	switch {
	case s.LastAck.IsZero():
		c.State, c.Found = Warn, "nothing was delivered since the agent started on "+stamp(s.StartedAt)
	case since > silence:
		c.State, c.Found = Warn, fmt.Sprintf("nothing was delivered for %v", since)
	case since < -clockTrouble:
		c.State, c.Kind, c.Found = Warn, "clock", "by this laptop's clock the last delivery is still to come"
	default:
		c.Found = fmt.Sprintf("the last %v ago", since)
	}
	if s.Trouble != "" {
		c.Details = []string{s.Trouble}
		if c.State == OK {
			c.State = Warn
		}
	}
	if c.State != OK {
		c.Means, c.Do = "reports wait on this laptop's disk", "see the checks above"
	}
	if s.Way != "" {
		c.Details = append(c.Details, s.Way)
	}
	e.add(c)
}

func (e *examination) checkSpool() {
	s := e.status
	c := Check{Step: "spool", State: OK, Found: fmt.Sprintf("%d reports wait (%d bytes)", s.SpoolDepth, s.SpoolBytes)}
	if s.SpoolDropped > 0 || s.SpoolDamaged > 0 {
		c.State = Warn
		c.Details = []string{fmt.Sprintf("%d reports were dropped, %d files found damaged", s.SpoolDropped, s.SpoolDamaged)}
		c.Means = "part of what was observed is lost; that it is was told"
	}
	if s.SpoolTrouble != "" {
		c.State, c.Found = Fail, s.SpoolTrouble
		c.Means, c.Do = "reports cannot be kept", "make room on the disk, or see why it cannot be written"
	}
	e.add(c)
}

func (e *examination) checkSenses(ctx context.Context) {
	senses, whose := e.senses(ctx)
	if len(senses) == 0 {
		e.add(Check{Step: "senses", State: Skip, Found: "no agent has looked yet"})
		return
	}
	for _, sense := range senses {
		c := Check{Step: "sense " + sense.Name, State: OK, Found: sense.State + whose}
		if sense.State != "ok" {
			c.State, c.Means = Warn, "part of what it should see is not seen"
			if sense.Detail != "" {
				c.Details = []string{sense.Detail}
			}
			for _, need := range permission.Here() {
				if e.lacks(need) && slices.Contains(need.Senses, sense.Name) {
					c.Do = need.Do
				}
			}
		}
		e.add(c)
	}
}

// senses returns how the senses of the running agent are, or those of one look now.
func (e *examination) senses(ctx context.Context) (senses []agent.Sense, whose string) {
	if e.alive() && len(e.status.Senses) > 0 {
		return e.status.Senses, ""
	}
	if e.Scan == nil {
		return nil, ""
	}
	seen, err := e.Scan(ctx)
	if err != nil {
		return nil, ""
	}
	for _, sense := range seen.GetHealth().GetSenses() {
		senses = append(senses, agent.Sense{Name: sense.GetName(), State: agent.SenseWord(sense.GetState()), Detail: sense.GetDetail()})
	}
	return senses, " (a look by this command, with this user's rights)"
}

func (e *examination) checkPermissions() {
	c := Check{Step: "permissions", State: OK, Found: "the running agent has all that can be checked"}
	if !e.alive() {
		c.Found = "no agent runs; this user has all that can be checked"
	}
	rights := e.rights()
	if e.alive() && !rights.Known {
		c.State, c.Found, c.Do = Skip, "which rights the running agent has is not told to this user", asTheAgent
	}
	for _, need := range permission.Here() {
		answer := need.Of(rights)
		line := fmt.Sprintf("%s (%s): %s", need.Right, strings.Join(need.Senses, ", "), answer)
		if answer != permission.Held {
			line += "; without it unseen: " + need.Lost
		}
		c.Details = append(c.Details, line)
		if answer == permission.Missing {
			c.State, c.Do = Warn, need.Do
			c.Found, c.Means = "the running agent lacks rights", "what its senses see is not whole"
			if !e.alive() {
				c.State, c.Found = Skip, "no agent runs, and this user lacks rights"
			}
		}
	}
	e.add(c)
}

func (e *examination) lacks(need permission.Need) bool {
	return need.Of(e.rights()) == permission.Missing
}

// rights are those of the running agent, or of this process where none runs.
func (e *examination) rights() permission.Rights {
	pid := os.Getpid()
	if e.alive() {
		pid = e.status.PID
	}
	rights, err := e.rightsOf(pid)
	if err != nil {
		return permission.Rights{} // gone meanwhile, or not to be looked at: nothing is known
	}
	return rights
}
