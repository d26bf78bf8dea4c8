package compare

import (
	"context"
	"fmt"

	"finest/eval"
	"finest/eval/stats"
)

// CalibrationPlan says how much a calibration trains: Blocks × Parts × the tier's
// seeds, and Blocks × seeds more for naive text.
type CalibrationPlan struct {
	// Blocks have seeds and held-out units of their own; in each the dataset is cut
	// into Parts that hold no page in common.
	Blocks, Parts int
}

// Validate says what a calibration cannot be made with.
func (p CalibrationPlan) Validate() error {
	if p.Blocks < 2 || p.Parts < 2 || p.Blocks > maxBlocks || p.Parts > maxParts {
		return fmt.Errorf("calibrate with %d blocks of %d parts: at least 2 of each are needed, and at most %d and %d taken", p.Blocks, p.Parts, maxBlocks, maxParts)
	}
	return nil
}

const maxBlocks, maxParts = 1000, 100

// Calibrate measures the tier: how much the models of disjoint samples of one
// dataset differ, and how often they would be called different. With a naive
// anchor of the same pages it finds which accuracies carry a signal.
//
// Finished runs are kept, so that a killed calibration goes on.
func (c *Comparer) Calibrate(ctx context.Context, seed eval.Seed, data Input, naive *Input, plan CalibrationPlan) (stats.Calibration, error) {
	if err := plan.Validate(); err != nil {
		return stats.Calibration{}, err
	}
	var blocks []stats.Block
	epochs := 0.0
	var s *session
	for i := range plan.Blocks {
		block := seed.Sub(fmt.Sprintf("block/%d", i))
		var err error
		if s, err = c.begin(block); err != nil {
			return stats.Calibration{}, err
		}
		s.meter.at.Block, s.meter.at.Blocks = i+1, plan.Blocks
		arms, err := s.block(ctx, data, naive, plan.Parts)
		if err != nil {
			return stats.Calibration{}, fmt.Errorf("calibrate, block %d of %d: %w", i+1, plan.Blocks, err)
		}
		var b stats.Block
		for _, a := range arms {
			if a.facts.Role == Naive {
				b.Naive = a.results
				continue
			}
			b.Parts = append(b.Parts, a.results)
			for _, f := range a.facts.Samples {
				epochs = max(epochs, f.Epochs)
			}
		}
		blocks = append(blocks, b)
	}
	out, err := stats.Calibrate(blocks, seed.Sub("units"))
	if err != nil {
		return stats.Calibration{}, err
	}
	out.Tier, out.Spec, out.Kernel, out.Panel = c.Tier.Name, s.spec, s.kernel, c.Panel.Definition().Name
	out.Data = fmt.Sprintf("%s, %d blocks of %d parts, %d seeds, each token trained on %.1f times at most", data.Name, plan.Blocks, plan.Parts, c.Tier.Seeds, epochs)
	return out, nil
}

// block trains on the parts of a dataset, and on the naive text of the pages of
// the first one.
func (s *session) block(ctx context.Context, data Input, naive *Input, parts int) ([]*arm, error) {
	cut := s.seed.Sub("parts")
	var inputs []armInput
	for i := range parts {
		inputs = append(inputs, armInput{Reference, Input{
			Name: fmt.Sprintf("%s, part %d of %d", data.Name, i+1, parts), Documents: Part(data.Documents, cut, i, parts),
		}})
	}
	if naive != nil {
		inputs = append(inputs, armInput{Naive, Input{Name: naive.Name, Documents: Part(naive.Documents, cut, 0, parts)}})
	}
	arms, err := s.readAll(ctx, inputs)
	if err != nil {
		return nil, err
	}
	return arms, s.train(ctx, arms)
}
