package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/farmhound-security/farmhound/collector/store"
)

// commitWithin bounds a transaction, and the round of single ones after a group
// failed, so that a store that hangs becomes an error.
const commitWithin = 30 * time.Second

// job is one device's change on its way into the store, with the device locked.
type job struct {
	device string
	change store.Change
	// before and after are the device's standing without and with the change.
	before, after standing
	// remember asks for the device to be cached even where it was not.
	remember bool
	// release unlocks the device.
	release func()
	// done receives the outcome.
	done chan error
}

// submit hands a job to the committer and waits for the outcome. Whatever happens,
// the device is released, at the latest when the job is done.
func (p *Pipeline) submit(ctx context.Context, j *job) error {
	j.done = make(chan error, 1) // the committer waits for nobody
	select {
	case p.queue <- j:
	case <-ctx.Done():
		p.forget(j.before)
		j.release()
		return context.Cause(ctx)
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// group adds to a first job those that wait at this moment, and waits for none:
// groups grow by themselves while a commit is under way.
func (p *Pipeline) group(first *job) []*job {
	jobs := []*job{first}
	for len(jobs) < p.maxGroup {
		select {
		case j := <-p.queue:
			jobs = append(jobs, j)
		default:
			return jobs
		}
	}
	return jobs
}

// commit makes a group durable in one transaction. If that fails, each member is
// tried alone, so that what the store refuses hurts only the device it is of.
func (p *Pipeline) commit(ctx context.Context, jobs []*job) {
	err := p.transact(ctx, jobs)
	if err == nil || len(jobs) == 1 {
		for _, j := range jobs {
			p.finish(j, err)
		}
		return
	}
	p.log.WarnContext(ctx, "a group of changes was not committed; trying each alone", "changes", len(jobs), "error", err)
	ctx, cancel := context.WithTimeout(ctx, commitWithin)
	defer cancel()
	for _, j := range jobs {
		p.finish(j, p.commitAlone(ctx, j))
	}
}

// commitAlone commits one member of a group that failed, unless the failure was
// only in the answer and the store has the change.
func (p *Pipeline) commitAlone(ctx context.Context, j *job) error {
	if n := len(j.change.Reports); n > 0 {
		last := j.change.Reports[n-1]
		highest, err := p.store.HighestSequence(ctx, j.device, last.BootID)
		if err != nil {
			return fmt.Errorf("read what is committed of device %s: %w", j.device, err)
		}
		if highest >= last.Sequence {
			return nil
		}
	}
	return p.transact(ctx, []*job{j})
}

func (p *Pipeline) transact(ctx context.Context, jobs []*job) error {
	ctx, cancel := context.WithTimeout(ctx, commitWithin)
	defer cancel()
	changes := make([]store.Change, len(jobs))
	for i, j := range jobs {
		changes[i] = j.change
	}
	return p.store.Commit(ctx, changes)
}

func (p *Pipeline) finish(j *job, err error) {
	switch {
	case err != nil:
		// What the store has now is for the store to say.
		p.known.drop(j.device)
		p.forget(j.before)
		err = errors.Join(fmt.Errorf("commit the reports of device %s", j.device), err)
	case j.remember:
		p.known.put(j.device, j.after)
	default:
		p.known.replace(j.device, j.after)
	}
	j.release()
	j.done <- err
}

// forget makes the judge's index say again what is stored, after what was judged
// since came to nothing. Of a device that is not stored, the next report says more.
func (p *Pipeline) forget(before standing) {
	if before.device != nil {
		p.judge.Restore(before.device)
	}
}
