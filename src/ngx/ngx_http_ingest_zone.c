
/*
 * Copyright (C) The ngx_http_ingest_module authors
 */


#include "ngx_http_ingest_probe.h"
#include "ngx_http_ingest_zone.h"
#include "../kafka/ingest_slot.h"

#include <sys/mman.h>


#define NGX_HTTP_INGEST_SEGMENTS_MIN   8
#define NGX_HTTP_INGEST_PER_WORKER     5
#define NGX_HTTP_INGEST_SEGMENTS_AUTO  64
#define NGX_HTTP_INGEST_PER_WORKER_AUTO  8

/* an id, its header, and what is put into an event that lacks both */

#define NGX_HTTP_INGEST_OVERHEAD       1024


static ngx_int_t ngx_http_ingest_zone_init(ngx_shm_zone_t *shm_zone,
    void *data);
static ngx_int_t ngx_http_ingest_zone_create(ngx_shm_zone_t *shm_zone,
    ngx_http_ingest_queue_t *queue);
static ngx_int_t ngx_http_ingest_zone_reuse(ngx_shm_zone_t *shm_zone,
    ngx_http_ingest_queue_t *queue, ngx_http_ingest_queue_t *old);
static ngx_int_t ngx_http_ingest_zone_check(ngx_shm_zone_t *shm_zone,
    ngx_http_ingest_queue_t *queue, uint32_t segments, uint32_t segment_size);
static ngx_int_t ngx_http_ingest_zone_check_workers(ngx_shm_zone_t *shm_zone,
    ngx_http_ingest_queue_t *queue, ngx_uint_t workers);
static size_t ngx_http_ingest_zone_event_max(ngx_http_ingest_queue_t *queue,
    size_t segment_size);
static ngx_int_t ngx_http_ingest_zone_check_resize(ngx_shm_zone_t *shm_zone,
    ngx_http_ingest_queue_t *queue);
static uint32_t ngx_http_ingest_zone_segment_size(
    ngx_http_ingest_queue_t *queue);
static ngx_uint_t ngx_http_ingest_zone_workers(
    ngx_http_ingest_queue_t *queue);
static void ngx_http_ingest_zone_cleanup(void *data);
static ngx_http_ingest_main_conf_t *ngx_http_ingest_zone_conf(
    ngx_cycle_t *cycle);
static ngx_uint_t ngx_http_ingest_zone_has_ring(
    ngx_http_ingest_main_conf_t *imcf, ingest_ring_t *ring);


char *
ngx_http_ingest_zone_add(ngx_conf_t *cf, ngx_http_ingest_queue_t *queue)
{
    u_char              *p;
    ngx_str_t            name;
    ngx_pool_cleanup_t  *cln;

    /* a prefix, so that no other module's zone has the name by chance */

    name.len = sizeof("ingest:") - 1 + queue->name.len;
    name.data = ngx_pnalloc(cf->pool, name.len + 1);
    if (name.data == NULL) {
        return NGX_CONF_ERROR;
    }

    p = ngx_sprintf(name.data, "ingest:%V", &queue->name);
    *p = '\0';

    queue->shm_zone = ngx_shared_memory_add(cf, &name, queue->zone_size,
                                            &ngx_http_ingest_module);
    if (queue->shm_zone == NULL) {
        return NGX_CONF_ERROR;
    }

    queue->cycle = cf->cycle;
    queue->shm_zone->init = ngx_http_ingest_zone_init;
    queue->shm_zone->data = queue;

    cln = ngx_pool_cleanup_add(cf->pool, 0);
    if (cln == NULL) {
        return NGX_CONF_ERROR;
    }

    cln->handler = ngx_http_ingest_zone_cleanup;
    cln->data = queue;

    return NGX_CONF_OK;
}


ngx_int_t
ngx_http_ingest_zones_commit(ngx_cycle_t *cycle)
{
    ngx_uint_t                     i;
    ngx_http_ingest_queue_t      **queues;
    ngx_http_ingest_main_conf_t   *imcf, *old;

    if (ngx_test_config) {
        return NGX_OK;
    }

    imcf = ngx_http_ingest_zone_conf(cycle);
    old = ngx_http_ingest_zone_conf(cycle->old_cycle);

    if (imcf != NULL) {
        queues = imcf->queues.elts;

        for (i = 0; i < imcf->queues.nelts; i++) {
            queues[i]->committed = 1;

            /* one for each worker: each can park, however full the ring is */

            atomic_store_explicit(&queues[i]->ring->reserve,
                    (uint32_t) ngx_http_ingest_zone_workers(queues[i]),
                    memory_order_relaxed);

            /*
             * Its workers are forked with this number, however late they look:
             * the ring's may be that of the next reload by then.
             */

            queues[i]->generation =
                atomic_fetch_add_explicit(&queues[i]->ring->generation, 1,
                                          memory_order_release)
                + 1;
        }
    }

    if (old == NULL) {
        return NGX_OK;
    }

    queues = old->queues.elts;

    for (i = 0; i < old->queues.nelts; i++) {

        if (imcf == NULL
            || !ngx_http_ingest_zone_has_ring(imcf, queues[i]->ring))
        {
            /* its zone is unmapped after this */

            (void) close(queues[i]->ring->lock_fd);
        }
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_ingest_zone_init(ngx_shm_zone_t *shm_zone, void *data)
{
    ngx_http_ingest_queue_t  *old = data;

    ngx_http_ingest_queue_t  *queue;

    queue = shm_zone->data;

    if (ngx_http_ingest_probe(queue, shm_zone->shm.log) != NGX_OK) {
        return NGX_ERROR;
    }

    if (old != NULL) {
        return ngx_http_ingest_zone_reuse(shm_zone, queue, old);
    }

    if (ngx_http_ingest_zone_check_resize(shm_zone, queue) != NGX_OK) {
        return NGX_ERROR;
    }

    return ngx_http_ingest_zone_create(shm_zone, queue);
}


static ngx_int_t
ngx_http_ingest_zone_create(ngx_shm_zone_t *shm_zone,
    ngx_http_ingest_queue_t *queue)
{
    int               fd;
    size_t            bytes;
    u_char           *data;
    uint32_t          segment_size;
    ingest_ring_t    *ring;
    ngx_slab_pool_t  *shpool;

    shpool = (ngx_slab_pool_t *) shm_zone->shm.addr;

    bytes = shpool->pfree << ngx_pagesize_shift;
    segment_size = ngx_http_ingest_zone_segment_size(queue);

    if (ngx_http_ingest_zone_check(shm_zone, queue,
                                   ingest_ring_fit(bytes, segment_size),
                                   segment_size)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    if (ngx_test_config) {
        return NGX_OK;
    }

    ring = ngx_slab_alloc(shpool, bytes);
    if (ring == NULL) {
        return NGX_ERROR;
    }

    fd = ingest_slot_file();
    if (fd == -1) {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, ngx_errno,
                      "memfd_create() failed");
        return NGX_ERROR;
    }

    (void) ingest_ring_format(ring, bytes, segment_size, fd);

    queue->ring = ring;
    queue->lock_fd = fd;
    queue->made = 1;

    /* events of clients do not belong into a core dump; by whole pages */

    data = ingest_ring_data(ring, 0);
    data -= (uintptr_t) data % ngx_pagesize;

    if (madvise(data, (u_char *) ring + bytes - data, MADV_DONTDUMP) == -1) {
        ngx_log_error(NGX_LOG_WARN, shm_zone->shm.log, ngx_errno,
                      "madvise(MADV_DONTDUMP) failed");
    }

    return NGX_OK;
}


/* The zone is in use: nothing is written, the reload may still be refused. */

static ngx_int_t
ngx_http_ingest_zone_reuse(ngx_shm_zone_t *shm_zone,
    ngx_http_ingest_queue_t *queue, ngx_http_ingest_queue_t *old)
{
    ingest_ring_t  *ring;

    ring = old->ring;

    if (!ingest_ring_valid(ring, ring->bytes)) {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "the zone of queue \"%V\" in %V:%ui is damaged",
                      &queue->name, &queue->place.file, queue->place.line);
        return NGX_ERROR;
    }

    if (queue->segment_size != 0
        && queue->segment_size != ring->segment_bytes)
    {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "the segment size of queue \"%V\" in %V:%ui cannot be "
                      "changed by a reload, it is %uD",
                      &queue->name, &queue->place.file, queue->place.line,
                      ring->segment_bytes);
        return NGX_ERROR;
    }

    if (ngx_http_ingest_zone_check(shm_zone, queue, ring->nsegments,
                                   ring->segment_bytes)
        != NGX_OK)
    {
        return NGX_ERROR;
    }

    queue->ring = ring;

    return NGX_OK;
}


static ngx_int_t
ngx_http_ingest_zone_check(ngx_shm_zone_t *shm_zone,
    ngx_http_ingest_queue_t *queue, uint32_t segments, uint32_t segment_size)
{
    size_t      event_max;
    uint32_t    need;
    ngx_uint_t  workers;

    workers = ngx_http_ingest_zone_workers(queue);

    if (ngx_http_ingest_zone_check_workers(shm_zone, queue, workers) != NGX_OK)
    {
        return NGX_ERROR;
    }

    need = ngx_max(NGX_HTTP_INGEST_SEGMENTS_MIN,
                   NGX_HTTP_INGEST_PER_WORKER * workers);

    if (segments < need) {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "the zone of queue \"%V\" in %V:%ui is too small: it "
                      "holds %uD segments of %uD bytes, %ui workers need %uD",
                      &queue->name, &queue->place.file, queue->place.line,
                      segments, segment_size, workers, need);
        return NGX_ERROR;
    }

    event_max = ngx_http_ingest_zone_event_max(queue, segment_size);

    if (queue->event_max > event_max) {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "\"ingest_max_event_size\" of %uz in %V:%ui is more "
                      "than a segment of queue \"%V\" holds, which is %uz",
                      queue->event_max, &queue->event_max_place.file,
                      queue->event_max_place.line, &queue->name, event_max);
        return NGX_ERROR;
    }

    return NGX_OK;
}


static ngx_int_t
ngx_http_ingest_zone_check_workers(ngx_shm_zone_t *shm_zone,
    ngx_http_ingest_queue_t *queue, ngx_uint_t workers)
{
    if (workers > INGEST_SLOTS) {
        ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                      "queue \"%V\" in %V:%ui has slots for %d workers, and "
                      "\"worker_processes\" is %ui",
                      &queue->name, &queue->place.file, queue->place.line,
                      INGEST_SLOTS, workers);
        return NGX_ERROR;
    }

    /*
     * Those of the old configuration have theirs while they end.  The old log,
     * at a start and a test stderr: the new one may not have warnings.
     */

    if (workers > INGEST_SLOTS / 2) {
        ngx_log_error(NGX_LOG_WARN, ngx_cycle->log, 0,
                      "queue \"%V\" in %V:%ui has slots for %d workers: with "
                      "%ui of them some answer 503 during a reload",
                      &queue->name, &queue->place.file, queue->place.line,
                      INGEST_SLOTS, workers);
    }

    return NGX_OK;
}


/* The largest event, in bytes, that a record of this queue can hold. */

static size_t
ngx_http_ingest_zone_event_max(ngx_http_ingest_queue_t *queue,
    size_t segment_size)
{
    size_t      len;
    ngx_str_t  *topics;
    ngx_uint_t  i;

    topics = queue->topics->elts;
    len = 0;

    for (i = 0; i < queue->topics->nelts; i++) {
        len = ngx_max(len, topics[i].len);
    }

    return segment_size - sizeof(ingest_record_t) - len
           - NGX_HTTP_INGEST_OVERHEAD;
}


/* Where the size differs nginx makes a new zone, and drops the old one. */

static ngx_int_t
ngx_http_ingest_zone_check_resize(ngx_shm_zone_t *shm_zone,
    ngx_http_ingest_queue_t *queue)
{
    ngx_uint_t        i;
    ngx_shm_zone_t   *old;
    ngx_list_part_t  *part;

    /* the running cycle; an empty one at the start */

    part = (ngx_list_part_t *) &ngx_cycle->shared_memory.part;
    old = part->elts;

    for (i = 0; /* void */ ; i++) {

        if (i >= part->nelts) {
            if (part->next == NULL) {
                return NGX_OK;
            }

            part = part->next;
            old = part->elts;
            i = 0;
        }

        if (old[i].tag == shm_zone->tag
            && old[i].shm.size != shm_zone->shm.size
            && old[i].shm.name.len == shm_zone->shm.name.len
            && ngx_strncmp(old[i].shm.name.data, shm_zone->shm.name.data,
                           shm_zone->shm.name.len)
               == 0)
        {
            ngx_log_error(NGX_LOG_EMERG, shm_zone->shm.log, 0,
                          "the zone of queue \"%V\" in %V:%ui cannot be "
                          "resized by a reload, its size is %uz",
                          &queue->name, &queue->place.file,
                          queue->place.line, old[i].shm.size);
            return NGX_ERROR;
        }
    }
}


static uint32_t
ngx_http_ingest_zone_segment_size(ngx_http_ingest_queue_t *queue)
{
    size_t      size;
    ngx_uint_t  n;

    if (queue->segment_size != 0) {
        return queue->segment_size;
    }

    n = ngx_max(NGX_HTTP_INGEST_SEGMENTS_AUTO,
                NGX_HTTP_INGEST_PER_WORKER_AUTO
                * ngx_http_ingest_zone_workers(queue));

    size = queue->zone_size / n;

    size = ngx_max(size, INGEST_SEGMENT_MIN);
    size = ngx_min(size, INGEST_SEGMENT_MAX);

    return size & ~ (size_t) 4095;
}


static ngx_uint_t
ngx_http_ingest_zone_workers(ngx_http_ingest_queue_t *queue)
{
    ngx_core_conf_t  *ccf;

    /* ngx_cycle is still the old one */

    ccf = (ngx_core_conf_t *) ngx_get_conf(queue->cycle->conf_ctx,
                                           ngx_core_module);

    return ccf->master ? (ngx_uint_t) ccf->worker_processes : 1;
}


/* A zone of a cycle that never came to life takes its lock file with it. */

static void
ngx_http_ingest_zone_cleanup(void *data)
{
    ngx_http_ingest_queue_t  *queue = data;

    if (queue->made && !queue->committed) {
        (void) close(queue->lock_fd);
    }
}


static ngx_http_ingest_main_conf_t *
ngx_http_ingest_zone_conf(ngx_cycle_t *cycle)
{
    if (cycle == NULL || ngx_is_init_cycle(cycle)) {
        return NULL;
    }

    return ngx_http_cycle_get_module_main_conf(cycle, ngx_http_ingest_module);
}


static ngx_uint_t
ngx_http_ingest_zone_has_ring(ngx_http_ingest_main_conf_t *imcf,
    ingest_ring_t *ring)
{
    ngx_uint_t                 i;
    ngx_http_ingest_queue_t  **queues;

    queues = imcf->queues.elts;

    for (i = 0; i < imcf->queues.nelts; i++) {
        if (queues[i]->ring == ring) {
            return 1;
        }
    }

    return 0;
}
