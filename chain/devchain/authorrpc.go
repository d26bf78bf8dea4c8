package devchain

import (
	"cmp"
	"slices"
)

// authorMethods are about extrinsics on their way into a block.
var authorMethods = map[string]method{
	"author_submitExtrinsic":         submitExtrinsic,
	"author_submitAndWatchExtrinsic": submitAndWatch,
	"author_unwatchExtrinsic":        unwatch,
	"author_pendingExtrinsics":       pendingExtrinsics,
}

func submitExtrinsic(r *request) (any, error) {
	var xt hexParam
	if err := r.need(0, &xt); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	hash, err := r.submit(xt, nil)
	if err != nil {
		return nil, err
	}
	if err := r.cutAfterSubmit(); err != nil {
		return nil, err
	}
	return hexBytes(hash[:]), nil
}

func submitAndWatch(r *request) (any, error) {
	var xt hexParam
	if err := r.need(0, &xt); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s, err := r.subscribe(topicExtrinsic)
	if err != nil {
		return nil, err
	}
	if _, err := r.submit(xt, s); err != nil {
		r.end(s)
		return nil, err
	}
	if err := r.cutAfterSubmit(); err != nil {
		return nil, err
	}
	return s.id, nil
}

// cutAfterSubmit cuts the connection if the next submission is to be followed by
// that; the node's lock is held.
func (r *request) cutAfterSubmit() error {
	if !r.faults.cutsNow() {
		return nil
	}
	r.conn.cut()
	return errCut
}

// unwatch is also right for one that ended by itself.
func unwatch(r *request) (any, error) {
	if _, err := unsubscribe(r); err != nil {
		return nil, err
	}
	return true, nil
}

func pendingExtrinsics(r *request) (any, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	xs := make([]*pooled, 0, r.pool.len())
	for _, x := range r.pool.all {
		xs = append(xs, x)
	}
	slices.SortFunc(xs, func(a, b *pooled) int { return cmp.Compare(a.order, b.order) })
	out := make([]string, len(xs))
	for i, x := range xs {
		out[i] = hexBytes(x.xt)
	}
	return out, nil
}
