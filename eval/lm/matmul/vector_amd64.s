#include "textflag.h"

// The functions of vectors take 8 numbers at a time and what is left through a
// mask. Of all of them:
//
//	AX      numbers that are done; CX those that are left
//	SI, DI, R8, R9 the slices
//	Y15     the mask of what is left
//	Y14, Y13 … factors in all lanes
//
// The body of a loop is a macro of how it loads, stores and, for sums, keeps the
// lanes that count.

#define LOAD(m, r) VMOVUPS m, r
#define STORE(r, m) VMOVUPS r, m
#define LOADM(m, r) VMASKMOVPS m, Y15, r
#define STOREM(r, m) VMASKMOVPS r, Y15, m
#define KEEP(r)
#define ZEROM(r) VANDPS Y15, r, r

// MASK sets Y15 to CX lanes of ones, CX < 8.
#define MASK \
	LEAQ ·mask+64(SB), BX           \
	SHLQ $2, CX                     \
	SUBQ CX, BX                     \
	VMOVUPS (BX), Y15

#define EACH(BODY, K) \
	XORQ AX, AX                     \
	SUBQ $8, CX                     \
	JLT  rest                       \
eight:                                  \
	BODY(LOAD, STORE, KEEP)         \
	ADDQ $8, AX                     \
	SUBQ $8, CX                     \
	JGE  eight                      \
rest:                                   \
	ADDQ $8, CX                     \
	JEQ  done                       \
	MASK                            \
	BODY(LOADM, STOREM, K)          \
done:

// FOLD is EACH for sums of four registers, Y0 to Y3, of which it is told how a
// lane is taken in.
#define FOLD(BODY, K) \
	XORQ AX, AX                     \
	SUBQ $32, CX                    \
	JLT  few                        \
many:                                   \
	BODY(0, Y0, LOAD, KEEP)         \
	BODY(32, Y1, LOAD, KEEP)        \
	BODY(64, Y2, LOAD, KEEP)        \
	BODY(96, Y3, LOAD, KEEP)        \
	ADDQ $32, AX                    \
	SUBQ $32, CX                    \
	JGE  many                       \
few:                                    \
	ADDQ $24, CX                    \
	JLT  rest                       \
eight:                                  \
	BODY(0, Y0, LOAD, KEEP)         \
	ADDQ $8, AX                     \
	SUBQ $8, CX                     \
	JGE  eight                      \
rest:                                   \
	ADDQ $8, CX                     \
	JEQ  done                       \
	MASK                            \
	BODY(0, Y0, LOADM, K)           \
done:

// ACROSS joins the lanes of Y0 by OP, into the lowest of X0.
#define ACROSS(OP) \
	VEXTRACTF128 $1, Y0, X1         \
	OP      X1, X0, X0              \
	VPERMILPS $0x4e, X0, X1         \
	OP      X1, X0, X0              \
	VPERMILPS $0xb1, X0, X1         \
	OP      X1, X0, X0

#define ZERO4 \
	VXORPS Y0, Y0, Y0               \
	VXORPS Y1, Y1, Y1               \
	VXORPS Y2, Y2, Y2               \
	VXORPS Y3, Y3, Y3

#define DOT(o, sum, LD, K) \
	LD(o(SI)(AX*4), Y4)             \
	LD(o(DI)(AX*4), Y5)             \
	VFMADD231PS Y4, Y5, sum

// func dotAVX2(x, y []float32) float32
TEXT ·dotAVX2(SB), NOSPLIT, $0-52
	MOVQ x_base+0(FP), SI
	MOVQ x_len+8(FP), CX
	MOVQ y_base+24(FP), DI
	ZERO4
	FOLD(DOT, KEEP)
	VADDPS Y1, Y0, Y0
	VADDPS Y3, Y2, Y2
	VADDPS Y2, Y0, Y0
	ACROSS(VADDPS)
	VMOVSS X0, ret+48(FP)
	VZEROUPPER
	RET

// Lanes that are left out are −∞. Y13 gathers which lanes had what is no number:
// VMAXPS forgets it.
#define LEASTM(r) VBLENDVPS Y15, r, Y14, r

#define MOST(o, most, LD, K) \
	LD(o(SI)(AX*4), Y4)             \
	K(Y4)                           \
	VCMPPS $3, Y4, Y4, Y5           \
	VORPS  Y5, Y13, Y13             \
	VMAXPS Y4, most, most

// func maxAVX2(x []float32) float32
TEXT ·maxAVX2(SB), NOSPLIT, $0-28
	MOVQ x_base+0(FP), SI
	MOVQ x_len+8(FP), CX
	MOVL $0xff800000, AX
	MOVL AX, X14
	VBROADCASTSS X14, Y14
	VMOVAPS Y14, Y0
	VMOVAPS Y14, Y1
	VMOVAPS Y14, Y2
	VMOVAPS Y14, Y3
	VXORPS  Y13, Y13, Y13
	FOLD(MOST, LEASTM)
	VMAXPS Y1, Y0, Y0
	VMAXPS Y3, Y2, Y2
	VMAXPS Y2, Y0, Y0
	ACROSS(VMAXPS)
	VMOVMSKPS Y13, AX
	VMOVSS X0, ret+24(FP)
	VZEROUPPER
	TESTL AX, AX
	JEQ  numbers
	MOVL $0x7fc00000, ret+24(FP)

numbers:
	RET

#define AXPY(LD, ST, K) \
	LD((DI)(AX*4), Y0)              \
	LD((SI)(AX*4), Y1)              \
	VFMADD231PS Y1, Y14, Y0         \
	ST(Y0, (DI)(AX*4))

// func axpyAVX2(a float32, x, y []float32)
TEXT ·axpyAVX2(SB), NOSPLIT, $0-56
	VBROADCASTSS a+0(FP), Y14
	MOVQ x_base+8(FP), SI
	MOVQ x_len+16(FP), CX
	MOVQ y_base+32(FP), DI
	EACH(AXPY, KEEP)
	VZEROUPPER
	RET

#define ADD(LD, ST, K) \
	LD((DI)(AX*4), Y0)              \
	LD((SI)(AX*4), Y1)              \
	VADDPS Y1, Y0, Y0               \
	ST(Y0, (DI)(AX*4))

// func addAVX2(x, y []float32)
TEXT ·addAVX2(SB), NOSPLIT, $0-48
	MOVQ x_base+0(FP), SI
	MOVQ x_len+8(FP), CX
	MOVQ y_base+24(FP), DI
	EACH(ADD, KEEP)
	VZEROUPPER
	RET

#define SCALE(LD, ST, K) \
	LD((SI)(AX*4), Y0)              \
	VMULPS Y14, Y0, Y0              \
	ST(Y0, (DI)(AX*4))

// func scaleAVX2(y []float32, a float32, x []float32)
TEXT ·scaleAVX2(SB), NOSPLIT, $0-56
	MOVQ y_base+0(FP), DI
	MOVQ y_len+8(FP), CX
	VBROADCASTSS a+24(FP), Y14
	MOVQ x_base+32(FP), SI
	EACH(SCALE, KEEP)
	VZEROUPPER
	RET

// EXP sums into Y12, with the table of constants at DX.
#define EXP(LD, ST, K) \
	LD((SI)(AX*4), Y0)              \
	VSUBPS Y14, Y0, Y0              \
	VMOVUPS (DX), Y1                \
	VMAXPS Y0, Y1, Y0               \
	VMOVUPS 32(DX), Y1              \
	VMINPS Y0, Y1, Y0               \
	VMULPS 64(DX), Y0, Y1           \
	VROUNDPS $8, Y1, Y1             \
	VFNMADD231PS 96(DX), Y1, Y0     \
	VFNMADD231PS 128(DX), Y1, Y0    \
	VMOVUPS 160(DX), Y2             \
	VFMADD213PS 192(DX), Y0, Y2     \
	VFMADD213PS 224(DX), Y0, Y2     \
	VFMADD213PS 256(DX), Y0, Y2     \
	VFMADD213PS 288(DX), Y0, Y2     \
	VFMADD213PS 320(DX), Y0, Y2     \
	VMULPS Y0, Y0, Y3               \
	VFMADD231PS Y2, Y3, Y0          \
	VADDPS 352(DX), Y0, Y0          \
	VCVTPS2DQ Y1, Y1                \
	VPADDD 384(DX), Y1, Y1          \
	VPSLLD $23, Y1, Y1              \
	VMULPS Y1, Y0, Y0               \
	ST(Y0, (DI)(AX*4))              \
	K(Y0)                           \
	VADDPS Y0, Y12, Y12

// func expSumAVX2(dst, x []float32, shift float32, table *[13][8]float32) float32
TEXT ·expSumAVX2(SB), NOSPLIT, $0-68
	MOVQ dst_base+0(FP), DI
	MOVQ dst_len+8(FP), CX
	MOVQ x_base+24(FP), SI
	VBROADCASTSS shift+48(FP), Y14
	MOVQ table+56(FP), DX
	VXORPS Y12, Y12, Y12
	EACH(EXP, ZEROM)
	VMOVAPS Y12, Y0
	ACROSS(VADDPS)
	VMOVSS X0, ret+64(FP)
	VZEROUPPER
	RET

#define SOFTMAXBACK(LD, ST, K) \
	LD((SI)(AX*4), Y0)              \
	LD((R8)(AX*4), Y1)              \
	VSUBPS Y14, Y1, Y1              \
	VMULPS Y1, Y0, Y0               \
	ST(Y0, (DI)(AX*4))

// func softmaxBackAVX2(dx, p, dp []float32, mean float32)
TEXT ·softmaxBackAVX2(SB), NOSPLIT, $0-76
	MOVQ dx_base+0(FP), DI
	MOVQ dx_len+8(FP), CX
	MOVQ p_base+24(FP), SI
	MOVQ dp_base+48(FP), R8
	VBROADCASTSS mean+72(FP), Y14
	EACH(SOFTMAXBACK, KEEP)
	VZEROUPPER
	RET

// Where x is no number, neither is the larger of 0 and x: it is the second operand.
#define RELU(LD, ST, K) \
	LD((SI)(AX*4), Y0)              \
	VMAXPS Y0, Y14, Y0              \
	VMULPS Y0, Y0, Y0               \
	ST(Y0, (DI)(AX*4))

// func reluAVX2(y, x []float32)
TEXT ·reluAVX2(SB), NOSPLIT, $0-48
	MOVQ y_base+0(FP), DI
	MOVQ y_len+8(FP), CX
	MOVQ x_base+24(FP), SI
	VXORPS Y14, Y14, Y14
	EACH(RELU, KEEP)
	VZEROUPPER
	RET

#define RELUBACK(LD, ST, K) \
	LD((SI)(AX*4), Y0)              \
	LD((R8)(AX*4), Y1)              \
	VMAXPS Y0, Y14, Y0              \
	VADDPS Y0, Y0, Y0               \
	VMULPS Y1, Y0, Y0               \
	ST(Y0, (DI)(AX*4))

// func reluBackAVX2(dx, x, dy []float32)
TEXT ·reluBackAVX2(SB), NOSPLIT, $0-72
	MOVQ dx_base+0(FP), DI
	MOVQ dx_len+8(FP), CX
	MOVQ x_base+24(FP), SI
	MOVQ dy_base+48(FP), R8
	VXORPS Y14, Y14, Y14
	EACH(RELUBACK, KEEP)
	VZEROUPPER
	RET

#define NORMBACK(LD, ST, K) \
	LD((R8)(AX*4), Y0)              \
	LD((SI)(AX*4), Y1)              \
	VFNMADD231PS Y1, Y14, Y0        \
	VMULPS Y13, Y0, Y0              \
	ST(Y0, (DI)(AX*4))

// func normBackAVX2(dx, y, dy []float32, mean, r float32)
TEXT ·normBackAVX2(SB), NOSPLIT, $0-80
	MOVQ dx_base+0(FP), DI
	MOVQ dx_len+8(FP), CX
	MOVQ y_base+24(FP), SI
	MOVQ dy_base+48(FP), R8
	VBROADCASTSS mean+72(FP), Y14
	VBROADCASTSS r+76(FP), Y13
	EACH(NORMBACK, KEEP)
	VZEROUPPER
	RET

#define ROTATE(LD, ST, K) \
	LD((SI)(AX*4), Y0)              \
	LD((DI)(AX*4), Y1)              \
	LD((R8)(AX*4), Y2)              \
	LD((R9)(AX*4), Y3)              \
	VMULPS Y3, Y1, Y4               \
	VMULPS Y3, Y0, Y5               \
	VFMSUB231PS Y2, Y0, Y4          \
	VFMADD231PS Y2, Y1, Y5          \
	ST(Y4, (SI)(AX*4))              \
	ST(Y5, (DI)(AX*4))

// func rotateAVX2(low, high, cos, sin []float32)
TEXT ·rotateAVX2(SB), NOSPLIT, $0-96
	MOVQ low_base+0(FP), SI
	MOVQ low_len+8(FP), CX
	MOVQ high_base+24(FP), DI
	MOVQ cos_base+48(FP), R8
	MOVQ sin_base+72(FP), R9
	EACH(ROTATE, KEEP)
	VZEROUPPER
	RET

#define ROTATEBACK(LD, ST, K) \
	LD((SI)(AX*4), Y0)              \
	LD((DI)(AX*4), Y1)              \
	LD((R8)(AX*4), Y2)              \
	LD((R9)(AX*4), Y3)              \
	VMULPS Y3, Y1, Y4               \
	VMULPS Y3, Y0, Y5               \
	VFMADD231PS Y2, Y0, Y4          \
	VFMSUB231PS Y2, Y1, Y5          \
	ST(Y4, (SI)(AX*4))              \
	ST(Y5, (DI)(AX*4))

// func rotateBackAVX2(low, high, cos, sin []float32)
TEXT ·rotateBackAVX2(SB), NOSPLIT, $0-96
	MOVQ low_base+0(FP), SI
	MOVQ low_len+8(FP), CX
	MOVQ high_base+24(FP), DI
	MOVQ cos_base+48(FP), R8
	MOVQ sin_base+72(FP), R9
	EACH(ROTATEBACK, KEEP)
	VZEROUPPER
	RET

// ADAM has 1 − β₁ and β₁ in Y14 and Y13, 1 − β₂ and β₂ in Y12 and Y11, the rate by
// the first correction in Y10, one by the second in Y9, ε in Y8, the part of a
// weight that stays in Y7.
#define ADAM(LD, ST, K) \
	LD((SI)(AX*4), Y0)              \
	LD((R8)(AX*4), Y1)              \
	LD((R9)(AX*4), Y2)              \
	VMULPS Y13, Y1, Y1              \
	VFMADD231PS Y0, Y14, Y1         \
	ST(Y1, (R8)(AX*4))              \
	VMULPS Y0, Y0, Y0               \
	VMULPS Y11, Y2, Y2              \
	VFMADD231PS Y0, Y12, Y2         \
	ST(Y2, (R9)(AX*4))              \
	VMULPS Y9, Y2, Y2               \
	VSQRTPS Y2, Y2                  \
	VADDPS Y8, Y2, Y2               \
	VMULPS Y10, Y1, Y1              \
	VDIVPS Y2, Y1, Y1               \
	LD((DI)(AX*4), Y0)              \
	VFMSUB213PS Y1, Y7, Y0          \
	ST(Y0, (DI)(AX*4))

// func adamAVX2(w, g, m, v []float32, f *adamFactors)
TEXT ·adamAVX2(SB), NOSPLIT, $0-104
	MOVQ w_base+0(FP), DI
	MOVQ w_len+8(FP), CX
	MOVQ g_base+24(FP), SI
	MOVQ m_base+48(FP), R8
	MOVQ v_base+72(FP), R9
	MOVQ f+96(FP), AX
	VBROADCASTSS 0(AX), Y14
	VBROADCASTSS 4(AX), Y13
	VBROADCASTSS 8(AX), Y12
	VBROADCASTSS 12(AX), Y11
	VBROADCASTSS 16(AX), Y10
	VBROADCASTSS 20(AX), Y9
	VBROADCASTSS 24(AX), Y8
	VBROADCASTSS 28(AX), Y7
	EACH(ADAM, KEEP)
	VZEROUPPER
	RET
