
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


/* What http_load shares among its files. */


#ifndef HTTP_LOAD_H
#define HTTP_LOAD_H


#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "load_event.h"


#define LOAD_BUFFER      8192       /* an answer is not larger */
#define LOAD_HEAD        512        /* of a request */

/* Instead of a status, see http_load.c. */

#define LOAD_CLOSED      0
#define LOAD_RESET       1
#define LOAD_LATE        2


typedef struct {
    double            start;
    double            latency;
    int               status;
} load_entry_t;


typedef struct {
    int               fd;           /* -1: not connected */
    bool              waiting;      /* for the answer to number */
    bool              used;         /* it has answered */
    bool              blocked;      /* until the socket takes more */
    double            retry;        /* when to connect again */
    double            start;        /* of the request */
    uint64_t          number;
    size_t            len;          /* of the answer so far */
    char              answer[LOAD_BUFFER];

    char             *request;
    size_t            size;
    size_t            sent;
} load_connection_t;


typedef struct {
    int                 ep;
    uint16_t            port;
    const char         *path;
    FILE               *now_file;   /* figures of now, or NULL */
    FILE               *file;
    bool                ledger;
    load_shape_t        shape;
    load_connection_t  *connections;
    int                 nconnections;

    double              rate;       /* 0: no limit */
    double              credit;     /* events that may be sent now */
    double              now;
    double              earned;     /* the time of the last credit */
    double              written;    /* and of the last figures */

    load_entry_t       *entries;    /* by number, for a ledger */
    uint64_t            nentries;

    uint64_t            count;
    uint64_t            sent;
    uint64_t            accepted;
    uint64_t            refused;
    uint64_t            unanswered;
    uint64_t            unconnected;
} load_t;


/* http_load_http.c: one connection. */

void load_connect(load_t *load, load_connection_t *c);
void load_send(load_t *load, load_connection_t *c);
void load_flush(load_t *load, load_connection_t *c);
void load_receive(load_t *load, load_connection_t *c);
void load_close(load_t *load, load_connection_t *c, int status);

/* http_load_ledger.c: what became of each event. */

void load_begin(load_t *load, load_connection_t *c);
void load_end(load_t *load, load_connection_t *c, int status);
void load_figures(load_t *load, FILE *out);
void load_write_now(load_t *load);
int load_write(load_t *load);

double load_time(clockid_t id);


#endif /* HTTP_LOAD_H */
