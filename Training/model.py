"""MLLMSeg in PyTorch, for training: any size, grouped by picture.

Shapes: B pictures, N = g*g patches, n = N/4 image tokens, T tokens of a packed
sequence, K phrases whose mask is wanted, d vision width, t language width.
Module names equal the checkpoint's, so `state_dict()` is the checkpoint (plus
`heads.*`, which only training uses).
"""
import torch
import torch.nn as nn
import torch.nn.functional as F

import fast


def attend(q, k, v, mask=None):
    """Scaled dot-product attention; mask bool, true where a query may look, or what to add to the scores."""
    if not torch.is_autocast_enabled("cpu"):
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
    return (fast.attend if fast.library else fast.plain_attend)(q, k, v, mask)


class VisionAttention(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)

    def forward(self, x):                                  # [B, 1+N, d]
        b, n, d = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        return self.proj(attend(q, k, v).transpose(1, 2).reshape(b, n, d))


class VisionMLP(nn.Module):
    def __init__(self, d, inner):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(d, inner), nn.Linear(inner, d)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class VisionLayer(nn.Module):
    def __init__(self, c):
        super().__init__()
        d = c["hidden_size"]
        self.norm1, self.norm2 = nn.LayerNorm(d, c["layer_norm_eps"]), nn.LayerNorm(d, c["layer_norm_eps"])
        self.attn, self.mlp = VisionAttention(d, c["num_attention_heads"]), VisionMLP(d, c["intermediate_size"])
        self.ls1, self.ls2 = nn.Parameter(torch.ones(d)), nn.Parameter(torch.ones(d))

    def forward(self, x):
        x = x + self.ls1 * self.attn(self.norm1(x))
        return x + self.ls2 * self.mlp(self.norm2(x))


class VisionEmbeddings(nn.Module):
    def __init__(self, c, size):
        super().__init__()
        d, p = c["hidden_size"], c["patch_size"]
        self.patch_embedding = nn.Conv2d(3, d, p, p)
        self.class_embedding = nn.Parameter(torch.randn(1, 1, d) * 0.02)
        self.position_embedding = nn.Parameter(torch.randn(1, 1 + (size // p) ** 2, d) * 0.02)

    def forward(self, pixels):                             # [B, 3, S, S] -> [B, 1+N, d]
        b, _, s, _ = pixels.shape
        p = self.patch_embedding.kernel_size[0]
        g = s // p
        cols = pixels.view(b, 3, g, p, g, p).permute(0, 2, 4, 1, 3, 5).reshape(b, g * g, -1)
        x = F.linear(cols, self.patch_embedding.weight.flatten(1), self.patch_embedding.bias)
        return torch.cat([self.class_embedding.expand(b, -1, -1), x], 1) + self.position_embedding


class VisionEncoder(nn.Module):
    def __init__(self, c, size):
        super().__init__()
        self.layers = nn.ModuleList(VisionLayer(c) for _ in range(c["num_hidden_layers"]))


class VisionModel(nn.Module):
    def __init__(self, c, size):
        super().__init__()
        self.embeddings, self.encoder = VisionEmbeddings(c, size), VisionEncoder(c, size)

    def forward(self, pixels):                             # -> T1 [B, N, d]
        x = self.embeddings(pixels)
        for layer in self.encoder.layers:
            x = layer(x)
        return x[:, 1:]


def pixel_shuffle(x):
    """[B, g*g, d] -> [B, g*g/4, 4d]; channels (0,0), (0,1), (1,0), (1,1) of each 2 x 2 block."""
    b, n, d = x.shape
    h = int(n ** 0.5) // 2
    return x.view(b, h, 2, h, 2, d).permute(0, 1, 3, 2, 4, 5).reshape(b, h * h, 4 * d)


class RMSNorm(nn.Module):
    def __init__(self, d, eps):
        super().__init__()
        self.weight, self.eps = nn.Parameter(torch.ones(d)), eps

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps))


class QwenAttention(nn.Module):
    def __init__(self, c):
        super().__init__()
        t, self.h, self.kv = c["hidden_size"], c["num_attention_heads"], c["num_key_value_heads"]
        self.hd = t // self.h
        self.q_proj, self.o_proj = nn.Linear(t, t), nn.Linear(t, t, bias=False)
        self.k_proj, self.v_proj = nn.Linear(t, self.kv * self.hd), nn.Linear(t, self.kv * self.hd)

    def forward(self, x, cos, sin, mask):                  # [B, T, t]; cos, sin [B, 1, T, hd]; mask [B, 1, T, T]
        b, n, _ = x.shape
        q = self.q_proj(x).view(b, n, self.h, self.hd).transpose(1, 2)
        k = self.k_proj(x).view(b, n, self.kv, self.hd).transpose(1, 2)
        v = self.v_proj(x).view(b, n, self.kv, self.hd).transpose(1, 2)
        q, k = rotate(q, cos, sin), rotate(k, cos, sin)
        g = self.h // self.kv
        k, v = k.repeat_interleave(g, 1), v.repeat_interleave(g, 1)
        y = attend(q, k, v, mask)
        return self.o_proj(y.transpose(1, 2).reshape(b, n, -1))


def rotate(x, cos, sin):
    a, b = x.chunk(2, -1)
    return x * cos + torch.cat([-b, a], -1) * sin


class QwenMLP(nn.Module):
    def __init__(self, c):
        super().__init__()
        t, i = c["hidden_size"], c["intermediate_size"]
        self.gate_proj, self.up_proj, self.down_proj = (nn.Linear(a, b, bias=False) for a, b in ((t, i), (t, i), (i, t)))

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class QwenLayer(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.input_layernorm, self.post_attention_layernorm = (RMSNorm(c["hidden_size"], c["rms_norm_eps"]) for _ in range(2))
        self.self_attn, self.mlp = QwenAttention(c), QwenMLP(c)

    def forward(self, x, cos, sin, mask):
        x = x + self.self_attn(self.input_layernorm(x), cos, sin, mask)
        return x + self.mlp(self.post_attention_layernorm(x))


class QwenModel(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = c
        self.embed_tokens = nn.Embedding(c["vocab_size"], c["hidden_size"])
        self.layers = nn.ModuleList(QwenLayer(c) for _ in range(c["num_hidden_layers"]))
        self.norm = RMSNorm(c["hidden_size"], c["rms_norm_eps"])

    def forward(self, x, positions, mask):                 # [B, T, t], [B, T], bool [B, 1, T, T] -> [B, T, t]
        hd = self.c["hidden_size"] // self.c["num_attention_heads"]
        inv = self.c["rope_theta"] ** (-torch.arange(0, hd, 2, device=x.device).float() / hd)
        f = positions.float()[:, None, :, None] * inv
        f = torch.cat([f, f], -1)
        kind = torch.bfloat16 if torch.is_autocast_enabled("cpu") else x.dtype
        cos, sin = f.cos().to(kind), f.sin().to(kind)
        if kind != x.dtype:                                 # once, not in each layer; a key's row without gaps, as fast.attend reads it
            mask = torch.where(mask.mT.contiguous(), 0.0, -1e4).to(kind).mT
        for layer in self.layers:
            x = layer(x, cos, sin, mask)
        return self.norm(x)


class LanguageModel(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.model = QwenModel(c)
        self.lm_head = nn.Linear(c["hidden_size"], c["vocab_size"], bias=False)


class Attention(nn.Module):
    """Parameter names of PyTorch's MultiheadAttention, 8 heads."""
    def __init__(self, d):
        super().__init__()
        self.in_proj_weight, self.in_proj_bias = nn.Parameter(torch.empty(3 * d, d)), nn.Parameter(torch.zeros(3 * d))
        self.out_proj = nn.Linear(d, d)

    def forward(self, x, memory):                          # [B, N, d], [B, M, d] -> [B, N, d]
        b, n, d = x.shape
        q = F.linear(x, self.in_proj_weight[:d], self.in_proj_bias[:d]).view(b, n, 8, -1).transpose(1, 2)
        kv = F.linear(memory, self.in_proj_weight[d:], self.in_proj_bias[d:])
        k, v = kv.view(b, memory.shape[1], 2, 8, -1).permute(2, 0, 3, 1, 4)
        return self.out_proj(attend(q, k, v).transpose(1, 2).reshape(b, n, d))

    def single_key(self, s):
        """With one key the softmax is 1: the same vector for every query.  [K, d] -> [K, d]"""
        d = s.shape[-1]
        return self.out_proj(F.linear(s, self.in_proj_weight[2 * d:], self.in_proj_bias[2 * d:]))


class PostNormLayer(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.self_attn, self.multihead_attn = Attention(d), Attention(d)
        self.linear1, self.linear2 = nn.Linear(d, d), nn.Linear(d, d)
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(d) for _ in range(3))

    def finish(self, x):
        x = self.norm2(x)
        return self.norm3(x + self.linear2(F.relu(self.linear1(x))))


class LayerStack(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.decoder = nn.Module()
        self.decoder.layers, self.decoder.norm = nn.ModuleList([PostNormLayer(d)]), nn.LayerNorm(d)

    def before_memory(self, x):
        layer = self.decoder.layers[0]
        return layer.norm1(x + layer.self_attn(x, x))

    def after_memory(self, x):
        return self.decoder.norm(self.decoder.layers[0].finish(x))


class DySample(nn.Module):
    """Learned 2 x upsampling: 4 channel groups, each output pixel samples near its sub-pixel centre."""
    def __init__(self, d):
        super().__init__()
        self.offset = nn.Conv2d(d, 32, 1)
        h = torch.tensor([-0.25, 0.25])
        init = torch.stack([h.view(1, 2).expand(2, 2), h.view(2, 1).expand(2, 2)])       # [coordinate, sy, sx]
        self.register_buffer("init_pos", init.reshape(2, 1, 4).expand(2, 4, 4).reshape(1, 32, 1, 1).clone())

    def forward(self, x):                                  # [B, g*g, d] -> [B, 4*g*g, d]
        b, n, d = x.shape
        g = int(n ** 0.5)
        off = F.linear(x, self.offset.weight.flatten(1), self.offset.bias) * 0.25 + self.init_pos.view(32)
        o = off.view(b, g, g, 2, 4, 2, 2)                   # y, x, coordinate, group, sy, sx
        base = torch.arange(g, device=x.device, dtype=off.dtype)
        px = base.view(1, 1, g, 1, 1, 1) + o[:, :, :, 0]
        py = base.view(1, g, 1, 1, 1, 1) + o[:, :, :, 1]
        grid = torch.stack([px, py], -1)                    # b, y, x, group, sy, sx, 2
        grid = grid.permute(0, 3, 1, 4, 2, 5, 6).reshape(b * 4, 2 * g, 2 * g, 2)
        grid = (2 * grid + 1) / g - 1                       # align_corners False
        maps = x.view(b, g, g, 4, d // 4).permute(0, 3, 4, 1, 2).reshape(b * 4, d // 4, g, g)
        up = F.grid_sample(maps, grid.to(maps.dtype), mode="bilinear", padding_mode="border", align_corners=False)
        return up.view(b, 4, d // 4, 4 * g * g).permute(0, 3, 1, 2).reshape(b, 4 * g * g, d)


class MaskDecoder(nn.Module):
    """`features`: "dsff" is the model that is shipped; the others are for `ablation.py` and are never exported."""
    def __init__(self, d, t, p, features="dsff"):
        super().__init__()
        self.p, self.features = p, features
        self.text_down, self.img_llm_down = nn.Linear(t, d), nn.Linear(t, d)
        self.text_out_adapter = nn.Linear(3 * d, d)
        self.ca_layer_v2l, self.ca_layer_vl = LayerStack(d), LayerStack(d)
        self.upsample_adapter_l = DySample(d)
        self.conv1 = nn.Sequential(nn.Conv2d(d, p * p, 3, padding=1), nn.BatchNorm2d(p * p))
        self.conv2 = nn.Conv2d(1, 1, 5, padding=2)

    def picture(self, t1, t2):
        """T1 [B, N, d], T2 [B, n, t] -> the phrase-independent part [B, N, d]"""
        if self.features == "visual":
            return self.ca_layer_vl.before_memory(t1)
        t3 = self.img_llm_down(t2)
        up = self.upsample_adapter_l(t3)
        if self.features == "language":
            return self.ca_layer_vl.before_memory(up)
        if self.features == "concat":                      # the adapter without the attended third
            return self.ca_layer_vl.before_memory(self.text_out_adapter(torch.cat([torch.zeros_like(t1), t1, up], -1)))
        v2l = self.ca_layer_v2l
        x = v2l.before_memory(t1)
        x = v2l.after_memory(x + v2l.decoder.layers[0].multihead_attn(x, t3))
        x = self.text_out_adapter(torch.cat([x, t1, up], -1))
        return self.ca_layer_vl.before_memory(x)

    def masks(self, x, seg):
        """x [K, N, d] (picture part of each phrase's picture), seg [K, t] -> logits [K, S, S], cells [K, N, d]"""
        k, n, d = x.shape
        g, p = int(n ** 0.5), self.p
        c = self.ca_layer_vl.decoder.layers[0].multihead_attn.single_key(self.text_down(seg))
        cells = self.ca_layer_vl.after_memory(x + c[:, None])
        y = F.relu(self.conv1(cells.transpose(1, 2).reshape(k, d, g, g)))
        y = F.pixel_shuffle(y, p)                           # channel py*p+px -> pixel (p*y+py, p*x+px)
        if fast.library and torch.is_autocast_enabled("cpu"):
            return fast.convolve(y, self.conv2.weight, self.conv2.bias)[:, 0], cells
        return self.conv2(y)[:, 0], cells


class MLLMSeg(nn.Module):
    def __init__(self, config, classes=0, features="dsff"):
        super().__init__()
        v, l = config["vision_config"], config["llm_config"]
        d, t = v["hidden_size"], l["hidden_size"]
        self.config = config
        self.vision_model = VisionModel(v, v["image_size"])
        self.mlp1 = nn.Sequential(nn.LayerNorm(4 * d), nn.Linear(4 * d, t), nn.GELU(), nn.Linear(t, t))
        self.language_model = LanguageModel(l)
        self.res_decoder = MaskDecoder(d, t, v["patch_size"], features)
        if classes:                                        # training-time helpers, never exported
            self.heads = nn.ModuleDict(dict(patch=nn.Linear(d, classes), reach=nn.Linear(d, 4), spread=nn.Linear(d, 4), where=nn.Linear(t, 64), there=nn.Linear(d, 64),
                                            words=nn.Linear(t, l["vocab_size"]), target=nn.Linear(t, 4), cell=nn.Linear(d, 1), teach=nn.Linear(d, 96), things=nn.Linear(d, 128)))
        self.reset()

    def reset(self):
        layers = len(self.vision_model.encoder.layers), len(self.language_model.model.layers)
        for name, m in self.named_modules():
            if isinstance(m, nn.Linear):
                std = m.in_features ** -0.5 * 0.7
                if name.endswith(("attn.proj", "mlp.fc2")):
                    std /= (2 * layers[0]) ** 0.5
                elif name.endswith(("o_proj", "down_proj")):
                    std /= (2 * layers[1]) ** 0.5
                nn.init.trunc_normal_(m.weight, std=std, a=-3 * std, b=3 * std)
                if m.bias is not None:
                    nn.init.zeros_(m.bias)
            elif isinstance(m, nn.Embedding):
                nn.init.normal_(m.weight, std=0.3)
            elif isinstance(m, Attention):
                nn.init.normal_(m.in_proj_weight, std=m.in_proj_weight.shape[1] ** -0.5 * 0.7)
        nn.init.normal_(self.language_model.lm_head.weight, std=0.02)
        self._place(self.vision_model.embeddings.position_embedding)
        self._match(self.language_model.model)
        dec = self.res_decoder
        nn.init.zeros_(dec.upsample_adapter_l.offset.bias)
        nn.init.normal_(dec.upsample_adapter_l.offset.weight, std=0.001)
        blur = torch.tensor([0.2, 0.6, 1.0, 0.6, 0.2])
        with torch.no_grad():
            dec.conv2.weight.copy_((blur[:, None] * blur[None] * 0.5)[None, None])
            dec.conv2.bias.fill_(-3.0)

    @staticmethod
    @torch.no_grad()
    def _match(language):
        """Two query heads of a layer start as its key head, so that a word attends to image tokens that resemble it."""
        for layer in language.layers:
            a = layer.self_attn
            for h in range(min(2, a.h)):
                a.q_proj.weight[h * a.hd:(h + 1) * a.hd] = 1.5 * a.k_proj.weight[:a.hd]

    @staticmethod
    @torch.no_grad()
    def _place(position):
        """Position embeddings start as sines of the patch's column and row, a place to learn from."""
        g, d = int((position.shape[1] - 1) ** 0.5), position.shape[2]
        at = (torch.arange(g) + 0.5) / g
        f = at[:, None] * torch.pi * 1.25 ** torch.arange(d // 4).float().clamp(max=12)
        wave = torch.cat([f.sin(), f.cos()], 1)             # [g, d/2]
        grid = torch.cat([wave[None].expand(g, -1, -1), wave[:, None].expand(-1, g, -1)], 2)
        position[:, 1:] = 0.3 * grid.reshape(1, g * g, d)

    @torch.no_grad()
    def whiten(self, pixels, soft=0.02):
        """Start the patch embedding at the whitened principal components of patches: [B, 3, S, S]"""
        conv = self.vision_model.embeddings.patch_embedding
        p, d = conv.kernel_size[0], conv.out_channels
        x = F.unfold(pixels, p, stride=p).transpose(1, 2).flatten(0, 1).double()
        mean = x.mean(0)
        values, vectors = torch.linalg.eigh((x - mean).t() @ (x - mean) / len(x))
        values, vectors = values[-d:].clamp(min=0), vectors[:, -d:]
        w = (vectors / (values + soft * values.mean()).sqrt()).t()
        conv.weight.copy_(w.view_as(conv.weight))
        conv.bias.copy_(-(w @ mean))

    @torch.no_grad()
    def resize(self, size):
        """Grow (or shrink) the position embeddings to another picture size, bicubic."""
        emb = self.vision_model.embeddings
        old = emb.position_embedding
        g0, g1 = int((old.shape[1] - 1) ** 0.5), size // self.config["vision_config"]["patch_size"]
        if g0 != g1:
            grid = old[:, 1:].view(1, g0, g0, -1).permute(0, 3, 1, 2)
            grid = F.interpolate(grid, (g1, g1), mode="bicubic", align_corners=False)
            emb.position_embedding = nn.Parameter(torch.cat([old[:, :1], grid.flatten(2).transpose(1, 2)], 1))
        self.config["vision_config"]["image_size"] = self.config["force_image_size"] = size

    def see(self, pixels):
        """[B, 3, S, S] -> T1 [B, N, d] and image tokens [B, n, t]"""
        t1 = self.vision_model(pixels)
        return t1, self.mlp1(pixel_shuffle(t1))

    def read(self, ids, tokens, positions, mask, image_start):
        """ids [B, T]; image tokens replace ids[:, image_start : image_start + n].  -> final states [B, T, t]"""
        n = tokens.shape[1]
        x = self.language_model.model.embed_tokens(ids)
        x = torch.cat([x[:, :image_start], tokens.to(x.dtype), x[:, image_start + n:]], 1)
        return self.language_model.model(x, positions, mask)

    def forward(self, pixels, ids, positions, mask, image_start, ends, owner, wanted):
        """ends [Q] flat index (into B*T) of the token before each marker; owner [Q] picture of each phrase;
        wanted [K] the phrases whose mask is computed.  -> dict(marker [Q, V], logits [K, S, S], t1, tokens, seg)"""
        t1, tokens = self.see(pixels)
        h = self.read(ids, tokens, positions, mask, image_start)
        t2 = h[:, image_start - 1:image_start - 1 + tokens.shape[1]]
        seg = h.flatten(0, 1)[ends]
        base = self.res_decoder.picture(t1, t2)
        logits, cells = self.res_decoder.masks(base[owner[wanted]], seg[wanted])
        return dict(marker=self.language_model.lm_head(seg), logits=logits, cells=cells, base=base, t1=t1, tokens=tokens, seg=seg)


def make_config(vocab, ids, size=112, d=160, vision_layers=14, vision_heads=5, t=160, layers=9, heads=5, kv=1, inner=320, vision_inner=640):
    """config.json of the exported checkpoint, in the form of the published ones."""
    vision = dict(architectures=["InternVisionModel"], attention_dropout=0.0, drop_path_rate=0.0, dropout=0.0, hidden_act="gelu", hidden_size=d,
                  image_size=size, initializer_factor=1.0, initializer_range=0.02, intermediate_size=vision_inner, layer_norm_eps=1e-6,
                  model_type="intern_vit_6b", norm_type="layer_norm", num_attention_heads=vision_heads, num_channels=3, num_hidden_layers=vision_layers,
                  patch_size=14, qk_normalization=False, qkv_bias=True, torch_dtype="bfloat16", use_flash_attn=True)
    llm = dict(architectures=["Qwen2ForCausalLM"], attention_dropout=0.0, bos_token_id=ids["<|endoftext|>"], eos_token_id=ids["<|im_end|>"], hidden_act="silu",
               hidden_size=t, initializer_range=0.02, intermediate_size=inner, max_position_embeddings=32768, max_window_layers=21, model_type="qwen2",
               num_attention_heads=heads, num_hidden_layers=layers, num_key_value_heads=kv, rms_norm_eps=1e-6, rope_theta=1000000.0, sliding_window=32768,
               tie_word_embeddings=False, torch_dtype="bfloat16", use_cache=False, use_sliding_window=False, vocab_size=vocab)
    return dict(architectures=["MLLMSeg"], downsample_ratio=0.5, dynamic_image_size=False, force_image_size=size, hidden_size=t, llm_config=llm,
                max_dynamic_patch=12, min_dynamic_patch=1, model_type="internvl_chat", pad2square=False, ps_version="v2", select_layer=-1,
                template="internvl2_5", tie_word_embeddings=False, torch_dtype="bfloat16", transformers_version=None, use_backbone_lora=0, use_llm_lora=0,
                use_thumbnail=False, vision_config=vision)
