package enginetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

// random is the chance of one step.
type random struct{ *rand.Rand }

// chance is true in so many of a hundred cases.
func (r *random) chance(percent int) bool { return r.IntN(100) < percent }

func pick[T any](r *random, list []T) (one T, ok bool) {
	if len(list) == 0 {
		return one, false
	}
	return list[r.IntN(len(list))], true
}

// recent picks one of the newest, more often than not.
func recent[T any](r *random, list []T) (T, bool) {
	if r.chance(70) {
		list = list[max(0, len(list)-20):]
	}
	return pick(r, list)
}

// kind is a kind of step.
type kind struct {
	name   string
	weight int
	do     func(*world, *random) error
}

var kinds = []kind{
	{"lease", 300, (*world).lease},
	{"renew", 50, (*world).renew},
	{"release", 50, (*world).release},
	{"submit", 200, (*world).submit},
	{"score", 150, (*world).score},
	{"advance", 100, (*world).advance},
	{"replay", 40, (*world).replay},
	{"steal", 30, (*world).steal},
	{"forge", 20, (*world).forge},
	{"excuse", 20, (*world).excuse},
	{"survey", 20, (*world).survey},
	{"requeue", 20, (*world).requeue},
	{"ban", 5, (*world).ban},
	{"clear", 15, (*world).clear},
	{"import", 6, (*world).imports},
	{"retire", 1, (*world).retire},
	{"proof", 5, (*world).proof},
	{"clock", 5, (*world).jump},
}

// step makes the step with this number, by chance of the seed. Its error is
// something that must not be.
func (w *world) step(seed, number uint64) (name string, err error) {
	r := &random{rand.New(rand.NewPCG(seed, number))}
	total := 0
	for _, k := range kinds {
		total += k.weight
	}
	at := r.IntN(total)
	for _, k := range kinds {
		if at -= k.weight; at < 0 {
			if err := k.do(w, r); err != nil {
				return k.name, fmt.Errorf("%s at block %d: %w", k.name, w.head, err)
			}
			return k.name, nil
		}
	}
	return "", errors.New("no step has this number")
}

// some returns a request of a miner, perhaps of a replica that lags behind.
func (w *world) some(r *random, p person) engine.Request {
	who := w.request(p)
	if r.chance(3) {
		who.Head.Number -= uint64(1 + r.IntN(5))
		who.Head.Hash = BlockHash(who.Head.Number)
	}
	return who
}

func (w *world) lease(r *random) error {
	p, _ := pick(r, w.people.miners)
	req := contract.LeaseRequest{Op: contract.OpLease, Slot: 1 + r.IntN(5), Recipe: recipe}
	if r.chance(2) {
		req.Recipe = "unknown"
	}
	var got contract.Receipt
	answered, err := w.try(r, attempt{w.some(r, p), func(who engine.Request) (any, error) {
		receipt, _, err := w.engine.Lease(w.ctx, who, req)
		got = receipt
		return receipt, err
	}})
	if err != nil || !answered {
		return err
	}
	if err := got.Validate(); err != nil || got.Hotkey != p.hotkey {
		return fmt.Errorf("receipt %+v: %w", got, err)
	}
	w.receipts = keep(w.receipts, got)
	return w.store.View(w.ctx, func(v engine.View) error {
		hot, cold, err := v.LiveLeases(p.hotkey, p.coldkey)
		if rules := Rules(); err == nil && (hot > rules.Slots || cold > rules.ColdkeySlots) {
			err = fmt.Errorf("a hotkey has %d leases, its coldkey %d", hot, cold)
		}
		return err
	})
}

// known returns a receipt and a request of its holder.
func (w *world) known(r *random) (contract.Receipt, engine.Request, bool) {
	receipt, ok := recent(r, w.receipts)
	if !ok {
		return receipt, engine.Request{}, false
	}
	return receipt, w.some(r, w.people.miners[w.people.number[receipt.Hotkey]]), true
}

func (w *world) renew(r *random) error {
	receipt, who, ok := w.known(r)
	if !ok {
		return nil
	}
	_, err := w.try(r, attempt{who, func(who engine.Request) (any, error) {
		return w.engine.Renew(w.ctx, who, contract.RenewRequest{Op: contract.OpRenew, Task: receipt.Task, Generation: receipt.Generation})
	}})
	return err
}

func (w *world) release(r *random) error {
	receipt, who, ok := w.known(r)
	if !ok {
		return nil
	}
	req := contract.ReleaseRequest{Op: contract.OpRelease, Task: receipt.Task, Generation: receipt.Generation, Reason: "disk <full>"}
	if r.chance(50) {
		req.Missing = receipt.Files[r.IntN(len(receipt.Files))].Path
	}
	_, err := w.try(r, attempt{who, func(who engine.Request) (any, error) { return w.engine.Release(w.ctx, who, req) }})
	return err
}

func (w *world) submit(r *random) error {
	receipt, who, ok := w.known(r)
	if !ok {
		return nil
	}
	req := submission(r, receipt)
	req.Block = min(receipt.DeadlineBlock, who.Head.Number)
	if r.chance(10) {
		req.Block = receipt.Block + uint64(r.IntN(int(Rules().DeadlineBlocks)+10))
	}
	answered, err := w.try(r, attempt{who, func(who engine.Request) (any, error) { return w.engine.Submit(w.ctx, who, req) }})
	if answered {
		w.results = keep(w.results, req)
	}
	return err
}

// submission makes up the result of a lease: nearly always the same.
func submission(r *random, receipt contract.Receipt) contract.SubmitRequest {
	text := fmt.Sprintf("%s %d", receipt.Task, receipt.Generation)
	if r.chance(5) {
		text += " again"
	}
	sum := canon.Sum([]byte(text))
	return contract.SubmitRequest{Op: contract.OpSubmit, Task: receipt.Task, Generation: receipt.Generation,
		Claim: "someone/data@" + sum[:40], Manifest: sum}
}

func (w *world) score(r *random) error {
	judge := r.IntN(validators)
	who := w.some(r, w.people.judges[judge])
	who.Permit, who.Stake = true, uint64(1+judge%3)*1_000_000_000
	req := contract.ScoreRequest{Op: contract.OpScore, WeightsBlock: w.head - uint64(r.IntN(3))}
	for range 1 + r.IntN(3) {
		if v, ok := w.verdict(r); ok {
			req.Verdicts = append(req.Verdicts, v)
		}
	}
	if len(req.Verdicts) == 0 {
		return nil
	}
	body, err := canon.Marshal(req)
	if err != nil {
		return err
	}
	statement := contract.Statement{SHA256: contract.StatementID(who.Hotkey, body), Validator: who.Hotkey, Body: body}
	_, err = w.try(r, attempt{who, func(who engine.Request) (any, error) {
		return nil, w.engine.Score(w.ctx, who, req, statement)
	}})
	return err
}

func (w *world) verdict(r *random) (contract.Verdict, bool) {
	result, ok := recent(r, w.results)
	if open, there := recent(r, w.receipts); there && r.chance(15) { // a claim that was not announced, or never will be
		result, ok = submission(r, open), true
	}
	if !ok {
		return contract.Verdict{}, false
	}
	v := contract.Verdict{Task: result.Task, Generation: result.Generation, Manifest: result.Manifest, Pay: "0"}
	v.Outcome = []string{contract.VerdictAccepted, contract.VerdictAccepted, contract.VerdictRejected, contract.VerdictUndecided}[r.IntN(4)]
	for _, known := range w.receipts {
		if known.Task == v.Task && known.Generation == v.Generation {
			v.Hotkey = known.Hotkey
		}
	}
	if r.chance(5) { // a claim may name any task
		v.Task = "no-such-crawl-000001"
	}
	return v, v.Hotkey != ""
}

// advance lets blocks pass, sometimes many.
func (w *world) advance(r *random) error {
	w.head += uint64(1 + r.IntN(8))
	if r.chance(5) {
		w.head += uint64(r.IntN(200))
	}
	if r.chance(20) {
		return nil // requests come before the server looks
	}
	if r.chance(10) {
		w.store.next = mode(1 + r.IntN(int(nothing)-1))
	}
	_, err := w.engine.Advance(w.ctx, w.head)
	w.store.next = whole
	if err != nil && !errors.Is(err, errCrash) {
		return err
	}
	_, err = w.observe()
	return err
}

func (w *world) replay(r *random) error {
	old, ok := pick(r, w.sent)
	if !ok || old.until.Before(w.clock) {
		return nil
	}
	err := old.again()
	if !errors.Is(err, engine.ErrReplayed) {
		return fmt.Errorf("a replayed request is answered: %w", errors.Join(err, engine.ErrReplayed))
	}
	w.seen["refused:replayed"]++
	news, err := w.observe()
	if err == nil && len(news) > 0 {
		err = fmt.Errorf("a replayed request made %d entries", len(news))
	}
	return err
}

// steal tries to end another's lease.
func (w *world) steal(r *random) error {
	receipt, ok := pick(r, w.receipts)
	thief, _ := pick(r, w.people.miners)
	if !ok || thief.hotkey == receipt.Hotkey {
		return nil
	}
	who := w.some(r, thief)
	_, submitted := w.engine.Submit(w.ctx, who, submission(r, receipt))
	who.UUID = w.request(person{}).UUID
	_, released := w.engine.Release(w.ctx, who, contract.ReleaseRequest{Op: contract.OpRelease, Task: receipt.Task, Generation: receipt.Generation})
	who.UUID = w.request(person{}).UUID
	_, renewed := w.engine.Renew(w.ctx, who, contract.RenewRequest{Op: contract.OpRenew, Task: receipt.Task, Generation: receipt.Generation})
	for _, err := range []error{submitted, released, renewed} {
		if !errors.Is(err, engine.ErrNotHolder) {
			return fmt.Errorf("another's lease: %w", errors.Join(err, engine.ErrNotHolder))
		}
	}
	w.seen["refused:not-holder"]++
	news, err := w.observe()
	if err == nil && actedBy(news, thief.hotkey) > 0 {
		err = errors.New("another's lease was changed")
	}
	return err
}

// forge names leases that were never granted.
func (w *world) forge(r *random) error {
	receipt, who, ok := w.known(r)
	if !ok {
		return nil
	}
	receipt.Generation += int64(1 + r.IntN(1000))
	if last := w.newest[receipt.Task]; receipt.Generation <= last.generation {
		return nil
	}
	_, err := w.engine.Submit(w.ctx, who, submission(r, receipt))
	if !errors.Is(err, engine.ErrNotFound) {
		return fmt.Errorf("a result of a lease that was never granted: %w", errors.Join(err, engine.ErrNotFound))
	}
	_, err = w.observe()
	return err
}

func (w *world) proof(r *random) error {
	who := w.some(r, w.people.judges[r.IntN(validators)])
	text := json.RawMessage(fmt.Sprintf(`{"case":%d}`, r.IntN(100)))
	_, err := w.try(r, attempt{who, func(who engine.Request) (any, error) {
		return nil, w.engine.Proof(w.ctx, who, canon.Sum(text), contract.ProofRequest{Op: contract.OpProof, Proof: text})
	}})
	return err
}
