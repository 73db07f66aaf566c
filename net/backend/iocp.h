/* net/backend/iocp.h: what iocp.c and acceptor.c tell one another. Private to net. */
#ifndef GW_NET_BACKEND_IOCP_H
#define GW_NET_BACKEND_IOCP_H

#include "net/backend/backend.h"

#include <stdatomic.h>
#include <winsock2.h>

#include <mswsock.h>
#include <windows.h>

/*
 * The extended OVERLAPPED of the completion-port model. From the call that starts it until its
 * packet has been taken from the port it belongs to the kernel; then `home` is called, once. A call
 * that ends at once ends in `home`, too: then there is no packet.
 */
struct gw__overlapped {
    OVERLAPPED overlapped;
    void (*lane)(struct gw__overlapped *flight, int result);
};

/* Prepares one for the next call. */
void gw__overlapped_begin(struct gw__overlapped *flight,
                      void (*lane)(struct gw__overlapped *flight, int result));

/* What the call that started it has said: whether it `succeeded`, and moved so many bytes. When the
 * flight is under way `flight` may be gone already. */
void gw__overlapped_began(struct gw__overlapped *flight, BOOL succeeded, DWORD bytes);

/* The functions of the system that have no import library; found when the lane is opened. */
struct gw__winsock {
    LPFN_ACCEPTEX accept;
    LPFN_CONNECTEX connect;
};
extern struct gw__winsock gw__winsock;

/* How many acceptors of the lane have not ended: their flights come home behind all others. */
atomic_uint *gw__iocp_acceptor_count(struct gw_lane *lane);

/* ---- acceptor.c ---- */

/*
 * A listener's accepts, started in advance: the kernel fills a socket of the pool whenever a peer
 * comes, whether somebody asks or not. One op at a time takes what has come, in the listener's
 * turn; each one that asks fills the pool up. A failure empties a place of the pool until then, so
 * that whoever pauses after it is not answered by a storm of failures.
 */
struct gw__acceptor;

/* Makes an empty one for a socket that listens. NULL: no memory. Holds the socket's turn. */
struct gw__acceptor *gw__acceptor_create(struct gw_socket *socket);

/* Answers `op` with the next socket, now or when there is one. Thread: turn, and for the next. */
void gw__acceptor_ask(struct gw__acceptor *acceptor, struct gw_op *op);

/* Hurries the pool home, and with it the op that waits: its answer comes when nothing is under way,
 * so that who closes the socket then closes the door. */
void gw__acceptor_cancel(struct gw__acceptor *acceptor);

/* Lets it go. It ends when its last flight is home; the socket may be closed before. */
void gw__acceptor_leave(struct gw__acceptor *acceptor);

#endif
