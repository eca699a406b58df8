// SPDX-License-Identifier: Apache-2.0
/**
 * Types of everything that crosses a wire (docs/protocol.md) and of the page's own state.
 * This module holds no code; import from it with `@import`.
 */

/**
 * @typedef {"page"|"client"|"bot"} Part
 * @typedef {{member_id: string, part: Part}} Address
 * @typedef {"ready"|"none"|"self"|"lost"} HostedState
 *
 * @typedef {object} Member
 * @property {string} member_id
 * @property {string} name
 * @property {string|null} avatar_id
 * @property {"browser"|"bot"} kind
 * @property {number} order grows with each join; the larger one offers
 * @property {boolean} muted
 * @property {boolean} camera_on
 */

/**
 * Body of a relayed `signal`: exactly one of description, candidate and request is there.
 *
 * @typedef {object} SignalData
 * @property {"leg"|"face"|"voice"} kind
 * @property {number} session
 * @property {{type: "offer"|"answer", sdp: string}} [description]
 * @property {RTCIceCandidateInit|null} [candidate] null: no more candidates follow
 * @property {true} [request]
 */

/**
 * @typedef {{type: "hello", version: 1, part: Part, token: string}} HelloMessage
 * @typedef {{type: "join", name: string, avatar_id: string|null, muted: boolean, camera_on: boolean}} JoinMessage
 * @typedef {{type: "update", name?: string, avatar_id?: string|null, muted?: boolean, camera_on?: boolean}}
 *   UpdateMessage
 * @typedef {{type: "signal", to: Address, part: Part, data: SignalData}} SignalMessage
 * @typedef {{type: "leave"}} LeaveMessage
 * @typedef {HelloMessage|JoinMessage|UpdateMessage|SignalMessage|LeaveMessage} ClientMessage
 */

/**
 * @typedef {object} WelcomeMessage
 * @property {"welcome"} type
 * @property {number} version
 * @property {string} member_id
 * @property {string} room
 * @property {RTCIceServer[]} ice_servers
 * @property {string} resume_token
 * @property {"ready"|"none"|"self"} hosted
 */

/**
 * @typedef {{type: "hosted", state: "ready"|"none"|"lost"}} HostedMessage
 * @typedef {{type: "joined", member: Member, members: Member[], resume_token: string|null}} JoinedMessage
 * @typedef {{type: "member_joined"|"member_updated", member: Member}} MemberMessage
 * @typedef {{type: "member_left", member_id: string, reason: "left"|"lost"}} MemberLeftMessage
 * @typedef {{type: "signal", from: Address, data: SignalData}} RelayedSignalMessage
 * @typedef {{type: "notice", text: string}} NoticeMessage
 * @typedef {{type: "error", error_code: string, detail: string, fatal: boolean}} ErrorMessage
 * @typedef {WelcomeMessage|HostedMessage|JoinedMessage|MemberMessage|MemberLeftMessage|RelayedSignalMessage
 *   |NoticeMessage|ErrorMessage} ServerMessage
 */

/**
 * @typedef {{member_id: string, x: number, y: number, size: number}} AtlasTile pixels in the atlas video
 * @typedef {{type: "atlas", width: number, height: number, tiles: AtlasTile[]}} AtlasMessage
 * @typedef {{type: "tracking", state: "face"|"no_face"|"rest", fps: number, ms: number}} TrackingMessage
 *
 * @typedef {object} Peer what my client says about one other member, every second
 * @property {string} member_id
 * @property {"connecting"|"live"|"reconnecting"|"gone"} state
 * @property {"own"|"guest"|"loading"|"unverified"} avatar
 * @property {number} avatar_progress 0..1
 * @property {number} fps
 * @property {number} render_ms
 * @property {number} payload_kbps_in
 * @property {number} payload_kbps_out
 * @property {number} wire_kbps_in
 * @property {number} wire_kbps_out
 * @property {number} loss_pct_in packets lost lately
 * @property {number} loss_pct_out
 * @property {number} playout_ms what smooth showing adds to the delay
 * @property {number} rate_step 0: all faces in full quality; more: the link is overloaded
 * @property {string} notice one sentence, or empty
 * @property {string} owner beginning of the fingerprint of the key whose owner they have proven to be, or empty
 *
 * @typedef {{type: "peers", peers: Peer[]}} PeersMessage
 *
 * @typedef {object} CoverageMessage what the camera has seen of me since it is watched
 * @property {"coverage"} type
 * @property {Record<string, number>} shares 0..1 by name of a pose or expression
 * @property {string[]} missing names of those that have to be seen yet
 * @property {string[]} hints sentences about the picture, the most important one first
 *
 * @typedef {object} EnrolmentMessage how far my own head is
 * @property {"enrolment"} type
 * @property {"none"|"receiving"|"queued"|"working"|"done"|"failed"} state
 * @property {number} received bytes of the take
 * @property {number} ahead people who come first
 * @property {string} stage what is being done, in words
 * @property {number} share of the work, 0..1
 * @property {number|null} eta_s seconds to its end
 * @property {number|null} psnr_db
 * @property {string|null} avatar_id the one in the preview
 * @property {string} text why it failed, or a warning; a sentence, or empty
 *
 * @typedef {object} MineMessage whether a head of my own is at my client
 * @property {"mine"} type
 * @property {string} avatar_id
 * @property {string} key proves that it is mine
 * @property {boolean} here
 * @property {boolean} kept it has just been made
 * @property {string|null} replaces a head of mine that it is a better form of
 *
 * @typedef {AtlasMessage|TrackingMessage|PeersMessage|NoticeMessage|CoverageMessage|EnrolmentMessage|MineMessage}
 *   UiMessageIn
 */

/**
 * @typedef {{member_id: string, size_px: number, speaking?: boolean}} TileWish
 * @typedef {{yaw: number, pitch: number, distance: number}} View radians from the front; 1 = default distance
 * @typedef {{eye_contact: boolean, stereo: boolean}} ViewOptions from the speaker's lens; one picture for each eye
 * @typedef {{type: "background", kind: "color", color: string}|{type: "background", kind: "image", jpeg: string}}
 *   BackgroundMessage `#rrggbb`; base64
 * @typedef {{type: "avatar", avatar_id: string, key?: string}
 *   |{type: "camera", on: boolean}
 *   |{type: "tiles", tiles: TileWish[]}
 *   |({type: "view", member_id: string} & View & Partial<ViewOptions>)
 *   |BackgroundMessage
 *   |{type: "stamp", on: boolean}
 *   |{type: "enrolment_watch", on: boolean}
 *   |{type: "mine", avatar_id: string, key: string}} UiMessageOut said again to every new client
 * @typedef {{type: "enrolment_keep"}
 *   |{type: "enrolment_cancel"}
 *   |{type: "mine_forget", avatar_id: string, key: string}} UiCommandOut said once
 * @typedef {{avatar_id: string, key: string}} OwnHead
 */

/**
 * @typedef {{avatar_id: string, name: string, thumbnail: string}} Guest
 * @typedef {{guests: Guest[], passcode_needed: boolean}} ServerConfig
 * @typedef {{room: string, passcode: string|null, invite: string|null, stamp: boolean}} PageAddress
 */

/**
 * @typedef {"idle"|"connecting"|"open"|"reconnecting"|"closed"} SignalingState
 * @typedef {"idle"|"connecting"|"live"|"reconnecting"} LinkState
 * @typedef {"join"|"meeting"|"left"} Phase
 *
 * @typedef {object} Presence
 * @property {null|{reason: "left"|"lost", at_ms: number}} left
 * @property {number|null} missing_since_ms known from before the server was away, and not back in the room yet
 * @typedef {Member & Presence} RoomMember
 *
 * @typedef {object} RoomState
 * @property {Phase} phase
 * @property {boolean} joining Join was pressed and the server has not answered yet
 * @property {string} room
 * @property {string|null} memberId
 * @property {Member|null} self as the server knows me; null outside the meeting
 * @property {RoomMember[]} members the others, in the order in which they joined
 * @property {Record<string, Peer>} peers
 * @property {AtlasMessage|null} atlas
 * @property {TrackingMessage|null} tracking
 * @property {CoverageMessage|null} coverage
 * @property {EnrolmentMessage|null} enrolment
 * @property {HostedState|"unknown"} hosted
 * @property {SignalingState} signaling
 * @property {LinkState} leg
 * @property {boolean} muted
 * @property {boolean} cameraOn the person wants the camera
 * @property {boolean} hasCamera
 * @property {boolean} hasMicrophone
 * @property {string|null} failure why joining or staying is impossible, one sentence
 * @property {string} farewell sentence of the leave screen
 * @property {string[]} errors last sentences shown as errors
 */

export {};
