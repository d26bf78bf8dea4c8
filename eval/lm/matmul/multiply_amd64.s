#include "textflag.h"

// Tiles of 6, 4, 2 and 1 rows of 16 columns. Of all of them:
//
//	SI, BX  a at rows 0 and 3 of the tile, moving along the rows
//	R8, R9  bytes between rows and columns of a
//	DI      packed b, moving; R10 its start
//	CX      columns of a that are left
//	DX, R11 c at rows 0 and 3 of the tile
//	R12     bytes between rows of c
//	R13     tiles that are left
//	AX      bytes between the a of tiles; R15 columns of a
//	Y12, Y13 a row of b; Y14, Y15 numbers of a, in all lanes
//	Y0 … Y11 the sums, two registers a row
//
// Numbers of a are read one at a time, b 64 bytes at a time. Of c, what lies
// behind width columns is neither read nor written.

// ROW(x, s, u, v) adds the products of the number at x with a row of b to u and v.
#define ROW(x, s, u, v) \
	VBROADCASTSS x, s           \
	VFMADD231PS  Y12, s, u      \
	VFMADD231PS  Y13, s, v

#define COLUMN(o) \
	VMOVUPS o(DI), Y12          \
	VMOVUPS (o+32)(DI), Y13

#define STEP1(o) \
	COLUMN(o)                   \
	ROW((SI), Y14, Y0, Y1)      \
	ADDQ R9, SI

#define STEP2(o) \
	COLUMN(o)                   \
	ROW((SI), Y14, Y0, Y1)      \
	ROW((SI)(R8*1), Y15, Y2, Y3) \
	ADDQ R9, SI

#define STEP4(o) \
	COLUMN(o)                   \
	ROW((SI), Y14, Y0, Y1)      \
	ROW((SI)(R8*1), Y15, Y2, Y3) \
	ROW((SI)(R8*2), Y14, Y4, Y5) \
	ROW((BX), Y15, Y6, Y7)      \
	ADDQ R9, SI                 \
	ADDQ R9, BX

#define STEP6(o) \
	COLUMN(o)                   \
	ROW((SI), Y14, Y0, Y1)      \
	ROW((SI)(R8*1), Y15, Y2, Y3) \
	ROW((SI)(R8*2), Y14, Y4, Y5) \
	ROW((BX), Y15, Y6, Y7)      \
	ROW((BX)(R8*1), Y14, Y8, Y9) \
	ROW((BX)(R8*2), Y15, Y10, Y11) \
	ADDQ R9, SI                 \
	ADDQ R9, BX

// ADD(x, u, v) adds a row of c at x; PUT writes it. ADDM and PUTM take the columns
// that the masks in Y12 and Y13 have.
#define ADD(x, y, u, v) \
	VADDPS x, u, u              \
	VADDPS y, v, v

#define PUT(x, y, u, v) \
	VMOVUPS u, x                \
	VMOVUPS v, y

#define ADDM(x, y, u, v) \
	VMASKMOVPS x, Y12, Y14      \
	VMASKMOVPS y, Y13, Y15      \
	VADDPS Y14, u, u            \
	VADDPS Y15, v, v

#define PUTM(x, y, u, v) \
	VMASKMOVPS u, Y12, x        \
	VMASKMOVPS v, Y13, y

// FETCH brings a row of c near before its sums are there.
#define FETCH(x, y, u, v) \
	PREFETCHT0 x

#define ROWS1(OP) \
	OP((DX), 32(DX), Y0, Y1)

#define ROWS2(OP) \
	ROWS1(OP)                   \
	OP((DX)(R12*1), 32(DX)(R12*1), Y2, Y3)

#define ROWS4(OP) \
	ROWS2(OP)                   \
	OP((DX)(R12*2), 32(DX)(R12*2), Y4, Y5) \
	OP((R11), 32(R11), Y6, Y7)

#define ROWS6(OP) \
	ROWS4(OP)                   \
	OP((R11)(R12*1), 32(R11)(R12*1), Y8, Y9) \
	OP((R11)(R12*2), 32(R11)(R12*2), Y10, Y11)

#define ZERO1 \
	VXORPS Y0, Y0, Y0           \
	VXORPS Y1, Y1, Y1

#define ZERO2 \
	ZERO1                       \
	VXORPS Y2, Y2, Y2           \
	VXORPS Y3, Y3, Y3

#define ZERO4 \
	ZERO2                       \
	VXORPS Y4, Y4, Y4           \
	VXORPS Y5, Y5, Y5           \
	VXORPS Y6, Y6, Y6           \
	VXORPS Y7, Y7, Y7

#define ZERO6 \
	ZERO4                       \
	VXORPS Y8, Y8, Y8           \
	VXORPS Y9, Y9, Y9           \
	VXORPS Y10, Y10, Y10        \
	VXORPS Y11, Y11, Y11

// TILES is the body of a function: tiles of h rows, one after the other. The labels
// are those of the function.
#define TILES(h, ZERO, STEP, ROWS) \
	MOVQ k+0(FP), R15           \
	MOVQ a+16(FP), R14          \
	MOVQ row+24(FP), R8         \
	MOVQ column+32(FP), R9      \
	MOVQ next+40(FP), AX        \
	MOVQ b+48(FP), R10          \
	MOVQ c+56(FP), DX           \
	MOVQ stride+64(FP), R12     \
	MOVQ count+8(FP), R13       \
tile:                               \
	MOVQ R14, SI                \
	LEAQ (R14)(R8*2), BX        \
	ADDQ R8, BX                 \
	LEAQ (DX)(R12*2), R11       \
	ADDQ R12, R11               \
	MOVQ R10, DI                \
	MOVQ R15, CX                \
	ROWS(FETCH)                 \
	ZERO                        \
	SUBQ $4, CX                 \
	JLT  rest                   \
four:                               \
	STEP(0)                     \
	STEP(64)                    \
	STEP(128)                   \
	STEP(192)                   \
	ADDQ $256, DI               \
	SUBQ $4, CX                 \
	JGE  four                   \
rest:                               \
	ADDQ $4, CX                 \
	JEQ  out                    \
one:                                \
	STEP(0)                     \
	ADDQ $64, DI                \
	DECQ CX                     \
	JNE  one                    \
out:                                \
	MOVQ width+72(FP), CX       \
	CMPQ CX, $16                \
	JLT  narrow                 \
	CMPB add+80(FP), $0         \
	JEQ  put                    \
	ROWS(ADD)                   \
put:                                \
	ROWS(PUT)                   \
	JMP  done                   \
narrow:                             \
	LEAQ ·mask+64(SB), BX       \
	SHLQ $2, CX                 \
	SUBQ CX, BX                 \
	VMOVUPS (BX), Y12           \
	VMOVUPS 32(BX), Y13         \
	CMPB add+80(FP), $0         \
	JEQ  putm                   \
	ROWS(ADDM)                  \
putm:                               \
	ROWS(PUTM)                  \
done:                               \
	ADDQ AX, R14                \
	IMUL3Q $h, R12, CX          \
	ADDQ CX, DX                 \
	DECQ R13                    \
	JNE  tile                   \
	VZEROUPPER                  \
	RET

// func tiles6(k, count int, a *float32, row, column, next int, b, c *float32, stride, width int, add bool)
TEXT ·tiles6(SB), NOSPLIT, $0-81
	TILES(6, ZERO6, STEP6, ROWS6)

// func tiles4(k, count int, a *float32, row, column, next int, b, c *float32, stride, width int, add bool)
TEXT ·tiles4(SB), NOSPLIT, $0-81
	TILES(4, ZERO4, STEP4, ROWS4)

// func tiles2(k, count int, a *float32, row, column, next int, b, c *float32, stride, width int, add bool)
TEXT ·tiles2(SB), NOSPLIT, $0-81
	TILES(2, ZERO2, STEP2, ROWS2)

// func tiles1(k, count int, a *float32, row, column, next int, b, c *float32, stride, width int, add bool)
TEXT ·tiles1(SB), NOSPLIT, $0-81
	TILES(1, ZERO1, STEP1, ROWS1)

// 16 lanes of ones, then 16 of zeros: from 4·width bytes before the middle on,
// width lanes are ones.
DATA ·mask+0(SB)/8, $-1
DATA ·mask+8(SB)/8, $-1
DATA ·mask+16(SB)/8, $-1
DATA ·mask+24(SB)/8, $-1
DATA ·mask+32(SB)/8, $-1
DATA ·mask+40(SB)/8, $-1
DATA ·mask+48(SB)/8, $-1
DATA ·mask+56(SB)/8, $-1
DATA ·mask+64(SB)/8, $0
DATA ·mask+72(SB)/8, $0
DATA ·mask+80(SB)/8, $0
DATA ·mask+88(SB)/8, $0
DATA ·mask+96(SB)/8, $0
DATA ·mask+104(SB)/8, $0
DATA ·mask+112(SB)/8, $0
DATA ·mask+120(SB)/8, $0
GLOBL ·mask(SB), RODATA|NOPTR, $128
